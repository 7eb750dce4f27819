// The npm package "openai" on the Responses API at OPENAI_BASE_URL. Prints one JSON object: what each use of it came to.
// Arguments: a folder whose node_modules has the package, a chat model, and one that thinks aloud.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [home, chat, thinker] = process.argv.slice(2);
const { OpenAI } = createRequire(pathToFileURL(`${home}/`))("openai");
const client = new OpenAI({ maxRetries: 0 });
const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const definition = { name: "weather", description: "The weather in a city.", parameters: schema };
const tools = [{ type: "function", strict: false, ...definition }];
const report = {};

const says = (content) => [{ role: "user", content }];
const ask = (input, fields = {}) => client.responses.create({ model: chat, input, ...fields });

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
    const retry_after = error.headers?.get("retry-after") ?? null;
    return { classes, status: error.status ?? null, code: error.code ?? null, retry_after, message: error.message };
  }
  return { classes: [] };
}

async function chatLoop() {
  let messages = says("use the tool");
  const called = [];
  for (;;) {
    const fields = { model: chat, messages, tools: [{ type: "function", function: definition }] };
    const choice = (await client.chat.completions.stream(fields).finalChatCompletion()).choices[0];
    if (choice.finish_reason !== "tool_calls") return { called, text: choice.message.content };
    const calls = choice.message.tool_calls;
    called.push(...calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]));
    const results = calls.map((call) => ({ role: "tool", tool_call_id: call.id, content: "sunny" }));
    messages = [...messages, choice.message, ...results];
  }
}

async function loop(streamed, remembered) {
  let [items, previous] = [says("use the tool"), {}];
  const called = [];
  for (;;) {
    const fields = { model: chat, input: items, tools, ...previous };
    const response = streamed ? await client.responses.stream(fields).finalResponse() : await client.responses.create(fields);
    const calls = response.output.filter((item) => item.type === "function_call");
    if (!calls.length) return { called, text: response.output_text };
    called.push(...calls.map((call) => [call.name, JSON.parse(call.arguments)]));
    const results = calls.map((call) => ({ type: "function_call_output", call_id: call.call_id, output: "sunny" }));
    if (remembered) [items, previous] = [results, { previous_response_id: response.id }];
    else items = [...items, ...response.output, ...results];
  }
}

report.chat_loop = await chatLoop();

const answer = await ask("Hello");
report.response = { text: answer.output_text, status: answer.status, model: answer.model };
report.usage = answer.usage;
const streamed = client.responses.stream({ model: chat, input: "Hello" });
const events = await collect(streamed);
report.stream = events.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta);
report.stream_final = (await streamed.finalResponse()).output_text;
const raw = await collect(ask("Hello", { stream: true }));
report.raw_stream = raw.map((event) => event.type);
report.sequence = raw.map((event) => event.sequence_number);

report.tool_loop = await loop(false, false);
report.streamed_tool_loop = await loop(true, false);
report.remembered_tool_loop = await loop(true, true);

const second = await ask("And this?", { previous_response_id: answer.id });
report.second = { text: second.output_text, previous: second.previous_response_id === answer.id };
report.retrieved = (await client.responses.retrieve(second.id)).output_text === second.output_text;
await client.responses.delete(second.id);
report.deleted = await failure(() => client.responses.retrieve(second.id));
report.forgotten = await failure(() => ask("Hello", { previous_response_id: second.id }));
const unkept = await ask("Hello", { store: false });
report.not_stored = await failure(() => client.responses.retrieve(unkept.id));

const image = { type: "input_image", image_url: "data:image/png;base64,iVBORw0KGgo=", detail: "auto" };
report.image = (await ask(says([{ type: "input_text", text: "What is this?" }, image]))).output_text;
const form = { type: "json_schema", name: "weather", schema: { ...schema, additionalProperties: false }, strict: true };
report.schema = (await ask("now", { text: { format: form } })).output_text;

const deep = { model: thinker, include: ["reasoning.encrypted_content"], store: false };
const reasoning = { effort: "high", summary: "auto" };
const thought = await client.responses.stream({ ...deep, input: "Think", reasoning }).finalResponse();
const parts = thought.output.filter((item) => item.type === "reasoning").flatMap((item) => item.summary);
report.reasoning = {
  types: thought.output.map((item) => item.type),
  summary: parts.map((part) => part.text),
  after: (await ask([...says("Think"), ...thought.output, ...says("Go on")], deep)).output_text,
};

const errors = (report.errors = {});
for (const model of JSON.parse(readFileSync(0, "utf8"))) {
  errors[model] = await failure(() => ask("Hello", { model }));
  errors[`${model}-streamed`] = await failure(() => collect(ask("Hello", { model: `${model}-streamed`, stream: true })));
}
const stranger = new OpenAI({ apiKey: "wrong", maxRetries: 0 });
errors["wrong key"] = await failure(() => stranger.responses.create({ model: chat, input: "Hello" }));
errors.malformed = await failure(() => ask(says("Hello"), { tools: "weather" }));
errors.cut = await failure(() => collect(ask("Hello", { model: "cut-streamed", stream: true })));

console.log(JSON.stringify(report));
