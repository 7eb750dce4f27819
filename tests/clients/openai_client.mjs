// The npm package "openai" against OPENAI_BASE_URL. Prints one JSON object: what each use of it came to.
// Argument 1: a folder whose node_modules has the package. Arguments 2 and 3: the chat and the embedding model.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [home, chat, embed] = process.argv.slice(2);
const resolve = createRequire(pathToFileURL(`${home}/`)).resolve;
const sdk = await import(pathToFileURL(resolve("openai")));
const OpenAI = sdk.OpenAI ?? sdk.default.OpenAI;
const client = new OpenAI({ maxRetries: 0 });
const says = (content) => [{ role: "user", content }];
const tools = [
  {
    type: "function",
    function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] } },
  },
];
const schema = {
  type: "object",
  properties: { city: { type: "string" }, degrees: { type: "integer" } },
  required: ["city", "degrees"],
  additionalProperties: false,
};

async function failure(work) {
  try {
    await work();
    return "no error";
  } catch (error) {
    const names = ["BadRequestError", "AuthenticationError", "NotFoundError", "RateLimitError", "InternalServerError"];
    const name = names.find((each) => error instanceof OpenAI[each]) ?? (error instanceof OpenAI.APIError ? "APIError" : "Error");
    return { name, status: error.status ?? null, code: error.code ?? null, message: error.message };
  }
}

const report = {};
const ask = (fields) => client.chat.completions.create({ model: chat, messages: says("Hello"), ...fields });

const answer = await ask({});
report.chat = answer.choices[0].message.content;
report.usage = answer.usage;

const pieces = [];
for await (const part of await ask({ stream: true, stream_options: { include_usage: true } })) {
  if (part.choices.length) pieces.push(part.choices[0].delta.content ?? "");
  else report.stream_usage = part.usage;
}
report.stream = pieces;

const called = (await ask({ messages: says("use the tool"), tools, tool_choice: "required" })).choices[0];
const call = called.message.tool_calls[0];
report.tool = { finish: called.finish_reason, name: call.function.name, arguments: JSON.parse(call.function.arguments) };
const history = [...says("use the tool"), called.message, { role: "tool", tool_call_id: call.id, content: "sunny" }];
report.after_tool = (await ask({ messages: history, tools })).choices[0].message.content;

const streamed = client.chat.completions.stream({ model: chat, messages: says("use the tool"), tools });
report.streamed_tool = (await streamed.finalChatCompletion()).choices[0].message.tool_calls[0].function;

const picture = { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } };
report.image = (await ask({ messages: says([{ type: "text", text: "What is this?" }, picture]) })).choices[0].message.content;

const form = { type: "json_schema", json_schema: { name: "weather", schema, strict: true } };
report.schema = (await client.chat.completions.parse({ model: chat, messages: says("now"), response_format: form })).choices[0].message.content;

const vectors = (await client.embeddings.create({ model: embed, input: ["one", "two"] })).data;
report.embeddings = vectors.map((each) => Array.from(each.embedding));
const floats = (await client.embeddings.create({ model: embed, input: ["one", "two"], encoding_format: "float" })).data;
report.float_embeddings = floats.map((each) => each.embedding);

report.models = [];
for await (const model of client.models.list()) report.models.push(model.id);

report.errors = {};
for (const model of ["err-400", "err-401", "err-404-model", "nope", "err-429-header", "err-500", "err-503"]) {
  report.errors[model] = await failure(() => ask({ model }));
  report.errors[`${model}-streamed`] = await failure(() => ask({ model: `${model}-streamed`, stream: true }));
}
report.errors["wrong key"] = await failure(() => new OpenAI({ apiKey: "wrong", maxRetries: 0 }).models.list());
report.errors.cut = await failure(async () => {
  for await (const _ of await ask({ model: "cut-streamed", stream: true }));
});

console.log(JSON.stringify(report));
