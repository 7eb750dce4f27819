"""Any server with OpenAI's endpoints (chat, completions, embeddings, models, responses) or with Anthropic's messages.

One entry of the block is one upstream; an account is one API key of it. There is no sign-in and nothing to refresh.

What differs between upstreams (URLs, model lists, error envelopes, wait hints, bodies) is in ``wire``, ``models``,
``errors``, ``verdicts``, ``hints``, ``quirks`` and ``turns``; what is learnt from a refusal in ``lessons``.

Sources, read by autumn 2026: the documentation of OpenAI, OpenRouter, DeepSeek, Groq, Together, Fireworks, Mistral,
Gemini's compatibility endpoint, Azure, Ollama and LM Studio; the code of vllm-project/vllm, sgl-project/sglang,
ollama/ollama, vercel/ai and router-for-me/CLIProxyAPI; bug reports for the errors of Mistral and Gemini.
"""
