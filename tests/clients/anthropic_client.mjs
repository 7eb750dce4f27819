// The npm package "@anthropic-ai/sdk" against ANTHROPIC_BASE_URL. Prints one JSON object: what each use of it came to.
// Arguments: a folder whose node_modules has the package, a chat model, and one that thinks aloud.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [home, chat, thinker] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${home}/`));
const { Anthropic } = require("@anthropic-ai/sdk");
const { betaTool } = require("@anthropic-ai/sdk/helpers/beta/json-schema");
const client = new Anthropic({ maxRetries: 0 });
const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ name: "weather", description: "The weather in a city.", input_schema: schema }];
const dot = "iVBORw0KGgo=";
const report = {};

const says = (content) => [{ role: "user", content }];
const ask = (messages, fields = {}) => client.messages.create({ model: chat, max_tokens: 1000, messages, ...fields });
const text = (message) => message.content.map((block) => (block.type === "text" ? block.text : "")).join("");

async function collect(stream) {
  const found = [];
  for await (const event of await stream) found.push(event);
  return found;
}

async function failure(work) {
  try {
    await work();
  } catch (error) {
    const classes = [];
    for (let each = error.constructor; each?.name; each = Object.getPrototypeOf(each)) classes.push(each.name);
    const inner = error.error?.error ?? {};
    const request_id = error.requestID ?? null;
    const retry_after = error.headers?.get("retry-after") ?? null;
    return { classes, status: error.status ?? null, type: inner.type ?? null, request_id, retry_after, message: error.message };
  }
  return { classes: [] };
}

const answer = await ask(says("Hello"));
report.chat = { text: text(answer), stop: answer.stop_reason, model: answer.model };
report.usage = answer.usage;

const streamed = client.messages.stream({ model: chat, max_tokens: 1000, messages: says("Hello") });
report.stream = [];
streamed.on("text", (piece) => report.stream.push(piece));
const final = await streamed.finalMessage();
report.stream_final = text(final);
report.stream_usage = final.usage;
report.raw_stream = (await collect(ask(says("Hello"), { stream: true }))).map((event) => event.type);

async function loop(streamed) {
  let messages = says("use the tool");
  const called = [];
  for (;;) {
    const fields = { model: chat, max_tokens: 1000, messages, tools };
    const message = streamed ? await client.messages.stream(fields).finalMessage() : await client.messages.create(fields);
    if (message.stop_reason !== "tool_use") return { called, text: text(message), stop: message.stop_reason };
    const calls = message.content.filter((block) => block.type === "tool_use");
    called.push(...calls.map((call) => [call.name, call.input]));
    const content = calls.map((call) => ({ type: "tool_result", tool_use_id: call.id, content: "sunny" }));
    messages = [...messages, { role: "assistant", content: message.content }, { role: "user", content }];
  }
}

report.tool_loop = await loop(false);
report.streamed_tool_loop = await loop(true);

let asked = [];
const run = ({ city }) => {
  asked.push(city);
  return "sunny";
};
const weather = betaTool({ name: "weather", description: "The weather in a city.", inputSchema: schema, run });
const task = { model: chat, max_tokens: 1000, tools: [weather], messages: says("use the tool") };
report.runner = { text: text(await client.beta.messages.toolRunner(task).runUntilDone()), asked };
asked = [];
let last;
for await (const stream of client.beta.messages.toolRunner({ ...task, stream: true })) last = await stream.finalMessage();
report.streamed_runner = { text: text(last), asked };

const image = { type: "image", source: { type: "base64", media_type: "image/png", data: dot } };
const use = { type: "tool_use", id: "toolu_1", name: "camera", input: {} };
const result = { type: "tool_result", tool_use_id: "toolu_1", content: [{ type: "text", text: "a photo" }, image] };
report.image = text(await ask(says([image, { type: "text", text: "What is this?" }])));
report.image_in_result = text(
  await ask([...says("look"), { role: "assistant", content: [use] }, { role: "user", content: [result] }]),
);

const thinking = { type: "enabled", budget_tokens: 2000 };
const deep = { model: thinker, max_tokens: 4000, thinking };
const thought = await client.messages.stream({ ...deep, messages: says("Think") }).finalMessage();
report.thinking = { streamed: thought.content, whole: (await ask(says("Think"), deep)).content };
const again = [...says("Think"), { role: "assistant", content: thought.content }, ...says("Go on")];
report.thinking.after = text(await ask(again, deep));

const question = { model: chat, messages: says("Hello, how many are these?"), tools };
report.tokens = (await client.messages.countTokens(question)).input_tokens;
report.models = (await collect(client.models.list())).map((model) => model.id);
report.model = (await client.models.retrieve(chat)).id;

const errors = (report.errors = {});
for (const model of JSON.parse(readFileSync(0, "utf8"))) {
  errors[model] = await failure(() => ask(says("Hello"), { model }));
  errors[`${model}-streamed`] = await failure(() => collect(ask(says("Hello"), { model: `${model}-streamed`, stream: true })));
}
const stranger = new Anthropic({ apiKey: "wrong", authToken: null, maxRetries: 0 });
errors["wrong key"] = await failure(() => stranger.models.list());
errors["wrong key in a chat"] = await failure(() =>
  stranger.messages.create({ model: chat, max_tokens: 10, messages: says("Hello") }),
);
errors.malformed = await failure(() => ask("Hello"));
errors.cut = await failure(() => collect(ask(says("Hello"), { model: "cut-streamed", stream: true })));

console.log(JSON.stringify(report));
