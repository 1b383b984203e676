import { type IncomingMessage, request } from "node:http";
import { text as textOf } from "node:stream/consumers";

export interface ApiAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** The body as JSON. */
  json(): Record<string, unknown>;
}

export interface ApiOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * A text is sent as it is, anything else as JSON; the content type follows, unless the headers
   * say.
   */
  readonly body?: unknown;
  readonly ifMatch?: string | number;
  readonly token?: string;
}

/** One call of the admin API on a connection of its own. */
export async function callApi(address: string | undefined, path: string, options: ApiOptions = {}): Promise<ApiAnswer> {
  const { body, ifMatch, token } = options;
  const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  const headers = {
    ...(text !== undefined && { "content-type": typeof body === "string" ? "application/yaml" : "application/json" }),
    ...(ifMatch !== undefined && { "if-match": typeof ifMatch === "number" ? `"${ifMatch}"` : ifMatch }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...options.headers,
  };
  const method = options.method ?? (text === undefined ? "GET" : "POST");
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(`http://${address}${path}`, { agent: false, method, headers }, resolve);
    sent.on("error", reject);
    sent.end(text);
  });
  const answer = await textOf(response);
  return { status: response.statusCode ?? 0, headers: response.headers, text: answer, json: () => JSON.parse(answer) };
}
