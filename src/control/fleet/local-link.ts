import { type Clock, sleep } from "../../core/clock.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import { momentOf } from "../../store/session/moment.ts";
import {
  type CalledWith,
  type ControllerCalls,
  type ControllerMethod,
  type ControllerReply,
  type ControllerRequest,
  isNotLeader,
} from "./controller-calls.ts";
import type { CallOutcome, ControllerLink, LinkCallOptions } from "./controller-link.ts";
import type { ControllerAddress, NotLeader } from "./messages.ts";

type Serve<Method extends ControllerMethod> = (
  request: ControllerRequest<Method>,
  called: CalledWith,
) => Promise<ControllerReply<Method> | NotLeader>;

/** The way to a controller in the same process. */
export function createLocalLink(controller: ControllerAddress, calls: ControllerCalls, clock: Clock): ControllerLink {
  const closing = new AbortController();
  return {
    controller,
    async call<Method extends ControllerMethod>(
      method: Method,
      request: ControllerRequest<Method>,
      { signal, timeoutMs }: LinkCallOptions,
    ): Promise<CallOutcome<ControllerReply<Method>>> {
      const sent = momentOf(clock);
      const over = new AbortController();
      const ended = AbortSignal.any([signal, closing.signal, over.signal]);
      const late = sleep(clock, timeoutMs, ended).then(() => Promise.reject(new RouterError("TIMED_OUT", LATE)));
      late.catch(() => undefined);
      try {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- TypeScript does not see that a method and its request belong together
        const serve = calls[method].bind(calls) as unknown as Serve<Method>;
        const reply = await Promise.race([serve(request, { signal: ended, peer: "local" }), late]);
        return isNotLeader(reply) ? { kind: "not_leader", leader: reply.leader } : { kind: "reply", reply, sent };
      } catch (cause) {
        const isOver = ended.aborted || (cause instanceof RouterError && cause.code === "TIMED_OUT");
        return isOver
          ? { kind: "unreachable", reason: reasonOf(cause) }
          : { kind: "refused", why: "fault", reason: reasonOf(cause) };
      } finally {
        over.abort(new RouterError("INTERRUPTED", "the call is over"));
      }
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new RouterError("SHUTDOWN", "the way to the controller was closed"));
    },
  };
}

const LATE = "the controller did not answer in time";
