// A grpc-web call, as a web page makes it: Connect's client (createGrpcWebTransport) on fetch. Messages come of a descriptor set.
// node call.mjs DESCRIPTORS BASE_URL SERVICE METHOD JSON TOKEN: prints {"answer"} or {"answers"}, or {"code", "message"}.
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary, fromJson, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

const [descriptors, baseUrl, service, method, json, token] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
const described = registry.getService(service);
const client = createClient(described, createGrpcWebTransport({ baseUrl }));
const headers = token ? { authorization: `Bearer ${token}` } : {};
const { input, output } = described.method[method];
try {
  const call = client[method](fromJson(input, JSON.parse(json)), { headers });
  if (described.method[method].methodKind === "server_streaming") {
    for await (const answer of call) {
      console.log(JSON.stringify({ answer: toJson(output, answer, { registry }) }));
      break;
    }
  } else {
    console.log(JSON.stringify({ answer: toJson(output, await call, { registry }) }));
  }
} catch (error) {
  const told = ConnectError.from(error);
  console.log(JSON.stringify({ code: Code[told.code], message: told.rawMessage, details: told.details.map((detail) => detail.type) }));
}
process.exit(); // A stream that is left stays open.
