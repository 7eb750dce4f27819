"""Any server with OpenAI's endpoints: chat, completions, embeddings, models.

One entry of the block is one upstream; an account is one API key of it. There is no sign-in and nothing to refresh.

The habits of real upstreams (base URLs, list shapes, error envelopes, rate-limit headers) follow a survey of vendors'
documentation, server sources and maintained clients: OpenAI, OpenRouter, DeepSeek, Groq, Together, Fireworks, Mistral, Gemini's
compatibility endpoint, Azure, vLLM, SGLang, Ollama, LM Studio, llama.cpp. Read autumn 2026.
"""
