import { status } from "@grpc/grpc-js";
import type { EtcdSettings } from "../store.ts";
import type { EtcdConnection, CallLimits } from "./connection.ts";
import type { EtcdAnswer } from "./fault.ts";
import { encodeAuthenticate } from "./messages.ts";
import { AUTHENTICATE } from "./methods.ts";

/** What calls carry to say who asks. */
export class Tokens {
  readonly #user: EtcdSettings["user"];
  #token: string | undefined;

  constructor(user: EtcdSettings["user"]) {
    this.#user = user;
  }

  get hasUser(): boolean {
    return this.#user !== undefined;
  }

  /** Whether etcd asks nobody who they are, as it said when a token was asked for. */
  get isNeedless(): boolean {
    return this.#user !== undefined && this.#token === "";
  }

  /**
   * Empty where none is needed. Several that ask at the same time get one each, all of which hold.
   */
  async get(connection: EtcdConnection, limits: CallLimits): Promise<EtcdAnswer<string>> {
    if (this.#user === undefined) return { ok: true, value: "" };
    if (this.#token !== undefined) return { ok: true, value: this.#token };
    const request = encodeAuthenticate(this.#user.name, this.#user.password);
    const answer = await connection.unary(AUTHENTICATE, request, "", limits);
    if (!answer.ok && !isSwitchedOff(answer.fault)) return answer;
    this.#token = answer.ok ? answer.value : "";
    return { ok: true, value: this.#token };
  }

  /** It was refused. Another one may be here already. */
  forget(token: string): void {
    if (this.#token === token) this.#token = undefined;
  }
}

/** etcd asks nobody who they are: until it refuses them, calls go without a token. */
function isSwitchedOff({ code, details }: { readonly code: status; readonly details: string }): boolean {
  return code === status.FAILED_PRECONDITION && details.includes("authentication is not enabled");
}
