import assert from "node:assert/strict";
import { mock } from "node:test";
import * as grpc from "@grpc/grpc-js";
import type { UnaryHandler } from "../../src/http2/port.ts";
import {
  ask,
  clientOptions,
  echo,
  exchange,
  framed,
  type Guarantees,
  Happenings,
  hold,
  manualEnv,
  ok,
  PATH,
  request,
  serverOptions,
  utf8,
} from "./rig.ts";

const MIB = 1_048_576;
const UNLIMITED = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };
const asBuffer = (bytes: Buffer): Buffer => bytes;

interface Answered {
  readonly error: grpc.ServiceError | null;
  readonly reply: Buffer | undefined;
}

/** grpc-js as a client of whatever listens on the port. */
function grpcClient(port: number): grpc.Client & Disposable {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), UNLIMITED);
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

function grpcCall(
  client: grpc.Client,
  message: Buffer,
  options: grpc.CallOptions = {},
): { call: grpc.ClientUnaryCall; answered: Promise<Answered> } {
  const { promise, resolve } = Promise.withResolvers<Answered>();
  const metadata = new grpc.Metadata();
  metadata.set("x-tenant", "a");
  const call = client.makeUnaryRequest(PATH, asBuffer, asBuffer, message, metadata, options, (error, reply) =>
    resolve({ error, reply }),
  );
  return { call, answered: promise };
}

const TIMEOUT_MS = 60_000;

/** grpc-js has only the machine's time: it stands at 0 until the test moves it. */
function moved(): Disposable & { tick(ms: number): void } {
  mock.timers.enable({ apis: ["Date", "setTimeout"] });
  return { tick: (ms) => mock.timers.tick(ms), [Symbol.dispose]: () => mock.timers.reset() };
}

type Unary = grpc.handleUnaryCall<Buffer, Buffer>;

/** grpc-js as a server. */
async function grpcServer(handle: Unary): Promise<AsyncDisposable & { port: number }> {
  const server = new grpc.Server(UNLIMITED);
  const method = { path: PATH, requestStream: false, responseStream: false } as const;
  const codec = {
    requestSerialize: asBuffer,
    requestDeserialize: asBuffer,
    responseSerialize: asBuffer,
    responseDeserialize: asBuffer,
  };
  server.addService({ export: { ...method, ...codec } }, { export: handle });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { port, [Symbol.asyncDispose]: () => Promise.resolve(server.forceShutdown()) };
}

const echoBack: Unary = (call, done) => done(null, call.request);

const full: UnaryHandler = (call) =>
  exchange({ message: () => call.reply({ status: 8, text: "voll: 100 % ü", details: Uint8Array.of(1, 2, 3, 4) }) });

/** The transport and grpc-js understand each other. */
export const GRPC_JS: Guarantees = {
  "a grpc-js client gets its reply, small and large": async (transport) => {
    await using server = await transport.listen(serverOptions(echo), manualEnv());
    using client = grpcClient(server.port);
    for (const bytes of [0, 3, 70_000, 16 * MIB]) {
      const { error, reply } = await grpcCall(client, Buffer.alloc(bytes, 7)).answered;
      assert.equal(error, null);
      assert.equal(reply?.length, bytes);
    }
  },
  "a grpc-js client sees status, text and details": async (transport) => {
    await using server = await transport.listen(serverOptions(full), manualEnv());
    using client = grpcClient(server.port);
    const { error } = await grpcCall(client, Buffer.from("x")).answered;
    assert.deepEqual([error?.code, error?.details], [8, "voll: 100 % ü"]);
    assert.deepEqual(error?.metadata.get("grpc-status-details-bin"), [Buffer.from([1, 2, 3, 4])]);
  },
  "a grpc-js client whose large message is refused unread sees the status, each time": async (transport) => {
    const handlers: Record<string, UnaryHandler> = {
      "by the headers": (call) => {
        call.reply({ status: 8, text: "refused" });
        return undefined;
      },
      "by the length": () => exchange({ length: () => ({ status: 8, text: "refused" }) }),
      "by the limit": () => exchange({ maxMessageBytes: 10 }),
    };
    for (const [name, handler] of Object.entries(handlers)) {
      await using server = await transport.listen(serverOptions(handler), manualEnv());
      using client = grpcClient(server.port);
      for (let times = 0; times < 3; times++) {
        const { error } = await grpcCall(client, Buffer.alloc(8 * MIB)).answered;
        assert.equal(error?.code, 8, name);
      }
    }
  },
  "a grpc-js deadline arrives as the timeout, and cancels the call": async (transport) => {
    const { handler, calls, cancelled } = hold();
    await using server = await transport.listen(serverOptions(handler), manualEnv());
    using client = grpcClient(server.port);
    using time = moved();
    const { answered } = grpcCall(client, Buffer.from("x"), { deadline: new Date(TIMEOUT_MS) });
    const { call } = await calls.next();
    assert.equal(call.timeoutMs, TIMEOUT_MS);
    assert.equal(call.header("x-tenant"), "a");
    time.tick(TIMEOUT_MS);
    assert.equal((await answered).error?.code, grpc.status.DEADLINE_EXCEEDED);
    await cancelled.next();
  },
  "a call that a grpc-js client cancels is cancelled": async (transport) => {
    const { handler, calls, cancelled } = hold();
    await using server = await transport.listen(serverOptions(handler), manualEnv());
    using client = grpcClient(server.port);
    const { call, answered } = grpcCall(client, Buffer.from("x"));
    await calls.next();
    call.cancel();
    await cancelled.next();
    assert.equal((await answered).error?.code, grpc.status.CANCELLED);
  },
  "a grpc-js client loses nothing when its connection is too old": async (transport) => {
    const env = manualEnv();
    const { handler, calls } = hold();
    await using server = await transport.listen(serverOptions(handler, { maxConnectionAgeMs: 1_000 }), env);
    using client = grpcClient(server.port);
    const first = grpcCall(client, Buffer.from("1"));
    const held = await calls.next();
    env.clock.advance(1_100);
    const others = Array.from({ length: 20 }, () => grpcCall(client, Buffer.from("2")).answered);
    for (let at = 0; at < 20; at++) (await calls.next()).call.reply(ok());
    held.call.reply(ok());
    const errors = (await Promise.all([first.answered, ...others])).map(({ error }) => error);
    assert.deepEqual(new Set(errors), new Set([null]));
  },
  "a grpc-js server answers, small and large": async (transport) => {
    await using server = await grpcServer(echoBack);
    await using client = transport.connect(
      clientOptions(server.port, { maxResponseBytes: 32 * MIB, connections: 2 }),
      manualEnv(),
    );
    for (const bytes of [0, 3, 70_000, 16 * MIB]) {
      const result = await ask(client, request([new Uint8Array(bytes).fill(7)]));
      assert.ok(result.kind === "answer" && result.status === 0 && result.message.length === bytes);
    }
  },
  "the status, text and details of a grpc-js server arrive": async (transport) => {
    await using server = await grpcServer((_, done) => {
      const metadata = new grpc.Metadata();
      metadata.set("grpc-status-details-bin", Buffer.from([1, 2, 3, 4]));
      done({ code: grpc.status.UNAVAILABLE, details: "später 100 %", metadata });
    });
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    const result = await ask(client);
    assert.ok(result.kind === "answer");
    assert.deepEqual([result.status, result.text], [14, "später 100 %"]);
    assert.deepEqual(Buffer.from(result.details ?? []), Buffer.from([1, 2, 3, 4]));
  },
  "a grpc-js server sees metadata, deadline and cancellation": async (transport) => {
    const env = manualEnv();
    const seen = new Happenings<grpc.ServerUnaryCall<Buffer, Buffer>>();
    const cancelled = new Happenings<string>();
    await using server = await grpcServer((call) => {
      call.on("cancelled", () => cancelled.add("cancelled"));
      seen.add(call);
    });
    await using client = transport.connect(clientOptions(server.port), env);
    const result = ask(client, request([utf8("x")], { metadata: { "x-tenant": "b" }, timeoutMs: 60_000 }));
    const call = await seen.next();
    assert.deepEqual(call.metadata.get("x-tenant"), ["b"]);
    assert.notEqual(call.getDeadline(), Number.POSITIVE_INFINITY);
    env.clock.advance(60_000);
    assert.partialDeepStrictEqual(await result, { kind: "failed", reason: "timeout" });
    await cancelled.next();
  },
  "a method that a grpc-js server does not have is an answer": async (transport) => {
    await using server = await grpcServer(echoBack);
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    const result = await ask(client, request([framed(utf8("x"))], { path: "/no.Such/Method" }));
    assert.equal(result.kind === "answer" && result.status, grpc.status.UNIMPLEMENTED);
  },
};
