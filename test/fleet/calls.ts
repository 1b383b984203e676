import type { CalledWith, ControllerCalls, ControllerMethod } from "../../src/control/fleet/controller-calls.ts";
import { type CollectorReport, encodeBody, FLEET_PROTOCOL } from "../../src/control/fleet/messages.ts";
import { NO_LOAD } from "../../src/control/load/load-report.ts";

export interface Heard {
  readonly method: ControllerMethod;
  readonly request: object;
  readonly called: CalledWith;
}

/** A controller that answers all that it is asked; each of its calls may be another one. */
export function calm(heard: Heard[] = [], more: Partial<ControllerCalls> = {}): ControllerCalls {
  const calls: ControllerCalls = {
    report: async () => ({
      protocol: FLEET_PROTOCOL,
      controller: { id: "c1", epoch: "1.7" },
      newer: [],
      collectors: 1,
      received_at_ms: 5,
    }),
    await: async () => ({ protocol: FLEET_PROTOCOL, directives: [] }),
    fetch: async ({ digest }) => ({ protocol: FLEET_PROTOCOL, digest, body: encodeBody(Buffer.from("text")) }),
    goodbye: async () => ({ protocol: FLEET_PROTOCOL }),
    members: async ({ region }) => ({ protocol: FLEET_PROTOCOL, region, members: [] }),
    member: async () => ({ protocol: FLEET_PROTOCOL }),
    limits: async () => ({ protocol: FLEET_PROTOCOL, grant: { total: { epoch: "1.7" }, keys: [] } }),
    discover: async () => ({ protocol: FLEET_PROTOCOL, digest: "", found: [] }),
    ...more,
  };
  const spy =
    <Request extends object, Reply>(method: ControllerMethod, serve: (request: Request, called: CalledWith) => Reply) =>
    (request: Request, called: CalledWith): Reply => {
      heard.push({ method, request, called });
      return serve(request, called);
    };
  return {
    report: spy("report", calls.report),
    await: spy("await", calls.await),
    fetch: spy("fetch", calls.fetch),
    goodbye: spy("goodbye", calls.goodbye),
    members: spy("members", calls.members),
    member: spy("member", calls.member),
    limits: spy("limits", calls.limits),
    discover: spy("discover", calls.discover),
  };
}

export function reportOf(id: string, more: Partial<CollectorReport> = {}): CollectorReport {
  return {
    protocol: FLEET_PROTOCOL,
    id,
    region: "eu",
    incarnation: "i1",
    seq: 1,
    version: "0.1.0",
    addresses: {},
    tags: {},
    capacity: { items_per_second: 0 },
    load: NO_LOAD,
    counters: { attempted_items: 0, failed_items: 0, requests: 0, refused_requests: 0 },
    health: { state: "healthy", reason: "" },
    config: { version: 1, digest: "", result: "running" },
    schema_max: 1,
    received: {},
    held: {},
    ...more,
  };
}
