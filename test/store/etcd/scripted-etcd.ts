import { promisify } from "node:util";
import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
  status,
} from "@grpc/grpc-js";
import { decodeApi, encodeApi } from "./etcd-api.ts";

export type Fields = Record<string, unknown>;

/** What a call is answered with: fields of its response, a fault of gRPC, or nothing at all. */
export type ScriptedAnswer = Fields | { readonly code: status; readonly details: string } | "silence";

export interface Asked {
  readonly request: Fields;
  readonly metadata: Metadata;
}

export interface ScriptedEntry {
  readonly value: string;
  readonly created: number;
  readonly modified: number;
}

const UNARY = {
  Range: "KV",
  Txn: "KV",
  Compact: "KV",
  Authenticate: "Auth",
  LeaseGrant: "Lease",
  LeaseRevoke: "Lease",
  Status: "Maintenance",
} as const;
type UnaryName = keyof typeof UNARY;

/**
 * A server that speaks etcd's API and does with it what a test says: for what a real one does only
 * when it is old, restored or unlucky. Reads are answered from `entries`.
 */
export class ScriptedEtcd implements AsyncDisposable {
  revision = 100;
  clusterId = "77";
  readonly entries = new Map<string, ScriptedEntry>();
  /** Undefined: as ever. */
  script: (name: UnaryName, asked: Asked) => ScriptedAnswer | undefined = () => undefined;
  readonly asked: { readonly name: UnaryName; readonly asked: Asked }[] = [];
  readonly #server = new Server();
  readonly #streams: Record<"Watch" | "LeaseKeepAlive", ScriptedStream[]> = { Watch: [], LeaseKeepAlive: [] };
  #wake = Promise.withResolvers<void>();
  #port = 0;

  static async open(): Promise<ScriptedEtcd> {
    const etcd = new ScriptedEtcd();
    for (const name of Object.keys(UNARY) as UnaryName[]) etcd.#addUnary(name);
    etcd.#addStream("Watch", "Watch");
    etcd.#addStream("LeaseKeepAlive", "Lease");
    const bind = promisify(etcd.#server.bindAsync.bind(etcd.#server));
    etcd.#port = await bind("127.0.0.1:0", ServerCredentials.createInsecure());
    return etcd;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  put(key: string, modified: number, value = "v", created = modified): void {
    this.entries.set(key, { value, created, modified });
    this.revision = Math.max(this.revision, modified);
  }

  count(name: UnaryName): number {
    return this.asked.filter((one) => one.name === name).length;
  }

  /** The next stream that a client opened, with its first message. */
  async next(name: "Watch" | "LeaseKeepAlive"): Promise<ScriptedStream> {
    for (;;) {
      const stream = this.#streams[name].shift();
      if (stream !== undefined) return stream;
      await this.#wake.promise;
    }
  }

  /** Resolves after so many calls of this name. */
  async untilAsked(name: UnaryName, count: number): Promise<void> {
    while (this.count(name) < count) await this.#wake.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }

  header(revision = this.revision): Fields {
    return { cluster_id: this.clusterId, member_id: "1", revision, raft_term: 2 };
  }

  #addUnary(name: UnaryName): void {
    const handle: handleUnaryCall<Buffer, Buffer> = ({ request, metadata }, reply) => {
      const asked = { request: decodeApi(requestOf(name), request), metadata };
      this.asked.push({ name, asked });
      this.#notify();
      const answer = this.script(name, asked) ?? this.#usual(name, asked.request);
      if (answer === "silence") return;
      if ("code" in answer && "details" in answer) reply(answer);
      else reply(null, encodeApi(requestOf(name).replace("Request", "Response"), answer));
    };
    this.#server.addService(definitionOf(name, UNARY[name], false), { [name]: handle });
  }

  #addStream(name: "Watch" | "LeaseKeepAlive", service: string): void {
    const handle: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
      call.on("error", () => undefined);
      call.once("data", (first: Buffer) => {
        this.#streams[name].push(new ScriptedStream(name, call, decodeApi(`${name}Request`, first), this));
        this.#notify();
      });
    };
    this.#server.addService(definitionOf(name, service, true), { [name]: handle });
  }

  #notify(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  #usual(name: UnaryName, request: Fields): ScriptedAnswer {
    switch (name) {
      case "Range":
        return this.#range(request);
      case "Txn":
        return { header: this.header(), succeeded: true };
      case "Authenticate":
        return { header: this.header(), token: `token-${this.count("Authenticate")}` };
      case "LeaseGrant":
        return { header: this.header(), ID: "7", TTL: request["TTL"] };
      case "LeaseRevoke":
      case "Compact":
        return { header: this.header() };
      case "Status":
        return { header: this.header(), version: "3.5.0", leader: "1" };
    }
  }

  #range(request: Fields): Fields {
    const text = (name: string): string => Buffer.from(String(request[name] ?? ""), "base64").toString();
    const [key, end, limit] = [text("key"), text("range_end"), Number(request["limit"] ?? 0)];
    const isIn = (one: string): boolean => (end === "" ? one === key : one >= key && one < end);
    const least = Number(request["min_mod_revision"] ?? 0);
    const all = [...this.entries]
      .filter(([one, { modified }]) => isIn(one) && modified >= least)
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
    const some = limit === 0 ? all : all.slice(0, limit);
    const kvs = some.map(([one, entry]) =>
      keyValue(one, request["keys_only"] === true ? { ...entry, value: "" } : entry),
    );
    return { header: this.header(), kvs, more: some.length < all.length, count: all.length };
  }
}

/** A stream that a client opened. */
export class ScriptedStream {
  readonly request: Fields;
  readonly metadata: Metadata;
  /** The client's side of the connection that it came over. */
  readonly peer: string;
  readonly #name: string;
  readonly #call: ServerDuplexStream<Buffer, Buffer>;
  readonly #etcd: ScriptedEtcd;

  constructor(name: string, call: ServerDuplexStream<Buffer, Buffer>, request: Fields, etcd: ScriptedEtcd) {
    this.#name = name;
    this.#call = call;
    this.#etcd = etcd;
    this.request = request;
    this.metadata = call.metadata;
    this.peer = call.getPeer();
  }

  /** Of a watch: where it begins. */
  get start(): number {
    return Number((this.request["create_request"] as Fields)["start_revision"]);
  }

  send(fields: Fields): void {
    this.#call.write(encodeApi(`${this.#name}Response`, fields));
  }

  /** The watch is taken; its header has the store's newest revision. */
  created(): void {
    this.send({ header: this.#etcd.header(), created: true });
  }

  /** `[key, revision]`, or `[key, revision, "gone"]`. */
  events(events: readonly (readonly [string, number, "gone"?])[], more: Fields = {}): void {
    const list = events.map(([key, modified, gone]) =>
      gone === undefined
        ? { type: "PUT", kv: keyValue(key, { value: `v${modified}`, created: modified, modified }) }
        : { type: "DELETE", kv: { key: Buffer.from(key), mod_revision: modified } },
    );
    this.send({ header: this.#etcd.header(), events: list, ...more });
  }

  fail(code: status, details: string): void {
    this.#call.emit("error", { code, details });
  }
}

function keyValue(key: string, { value, created, modified }: ScriptedEntry): Fields {
  return { key: Buffer.from(key), value: Buffer.from(value), create_revision: created, mod_revision: modified };
}

function requestOf(name: UnaryName): string {
  return `${name === "Compact" ? "Compaction" : name}Request`;
}

function definitionOf(name: string, service: string, isStream: boolean): ServiceDefinition {
  const same = (bytes: Buffer): Buffer => bytes;
  return {
    [name]: {
      path: `/etcdserverpb.${service}/${name}`,
      requestStream: isStream,
      responseStream: isStream,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
  };
}
