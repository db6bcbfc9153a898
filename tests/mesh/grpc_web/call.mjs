// grpc-web calls, as a web page makes them: Connect's client (createGrpcWebTransport) on fetch. Messages come of a descriptor set.
// node call.mjs DESCRIPTORS BASE_URL CALLS: for each of [{service, method, request, token}] a line, {"answer"} or {"code", "details"};
// of a stream, its first answer.
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary, fromJson, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

const [descriptors, baseUrl, calls] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
const transport = createGrpcWebTransport({ baseUrl });

async function first(answers) {
  for await (const answer of answers) return answer;
}

async function made({ service, method, request, token }) {
  const described = registry.getService(service);
  const { input, output, methodKind } = described.method[method];
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  try {
    const call = createClient(described, transport)[method](fromJson(input, request), { headers });
    return { answer: toJson(output, await (methodKind === "server_streaming" ? first(call) : call), { registry }) };
  } catch (error) {
    const told = ConnectError.from(error);
    return { code: Code[told.code], details: told.details.map((detail) => detail.type) };
  }
}

for (const call of JSON.parse(calls)) console.log(JSON.stringify(await made(call)));
process.exit(); // A stream that is left stays open.
