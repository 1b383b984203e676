import { reasonOf, RouterError } from "../core/errors.ts";
import {
  changedConfig,
  SamplingChangeSchema,
  type SamplingSettingsWritten,
  settingsOf,
  trySampling,
} from "../control/sampling/try-sampling.ts";
import { checkMapping, parseMapping, smallBody } from "./body.ts";
import type { AdminContext } from "./context.ts";
import { changeReply, etagOf, problemReply } from "./reply.ts";
import { type AdminReply, type AdminRequest, type AdminRoute, CHANGE } from "./route.ts";
import { samplingView, triedView } from "./sampling-view.ts";
import { WISH, wishOf } from "./wish.ts";

const PATH = "/api/v1/sampling";

/** What is kept of what comes, what that is due to, and what other settings would make of it. */
export function samplingRoutes(context: AdminContext): AdminRoute[] {
  return [
    {
      method: "GET",
      path: PATH,
      role: "viewer",
      summary: "What is kept of each class, and why; how strategies do; what this node receives and keeps.",
      handle: () => samplingReply(context),
    },
    {
      ...CHANGE,
      method: "PATCH",
      path: PATH,
      summary: "Change settings of sampling in the config: what is named takes the place of what is there.",
      query: WISH,
      body: smallBody(SamplingChangeSchema, true),
      handle: (request) => change(request, context),
    },
    {
      method: "POST",
      path: `${PATH}/dry-run`,
      role: "viewer",
      summary: "What other settings would keep of what is received now; nothing changes.",
      statuses: [422, 503],
      body: smallBody(SamplingChangeSchema, true),
      handle: (request) => dryRun(request, context),
    },
  ];
}

function samplingReply({ sampling, env, table }: AdminContext): AdminReply {
  const headers = { etag: etagOf(table.status.version) };
  return { status: 200, body: samplingView(sampling, env.clock), headers };
}

async function change(request: AdminRequest, context: AdminContext): Promise<AdminReply> {
  const read = await readChange(request.body, context);
  if ("status" in read) return read;
  const edit = { kind: "merge", at: ["global"], patch: read.settings } as const;
  return changeReply(await context.table.edit(edit, request.guard, true, wishOf(request, context)), "setting");
}

async function dryRun({ body, signal }: AdminRequest, context: AdminContext): Promise<AdminReply> {
  const read = await readChange(body, context);
  if ("status" in read) return read;
  const { sampling, walk } = context;
  const config = changedConfig(walk.status.running, read.settings);
  if (typeof config === "string") return problemReply(422, config);
  try {
    const received = await sampling.received(signal);
    return { status: 200, body: triedView(received, trySampling(config, received.rows)) };
  } catch (cause) {
    if (!(cause instanceof RouterError)) throw cause;
    return problemReply(503, `what the fleet receives cannot be read: ${reasonOf(cause)}`);
  }
}

/** As it is to stand in the document. */
async function readChange(
  body: AdminRequest["body"],
  { table }: AdminContext,
): Promise<AdminReply | { readonly settings: SamplingSettingsWritten }> {
  const parsed = checkMapping(parseMapping(body), SamplingChangeSchema);
  if (!parsed.ok) return parsed.reply;
  const settings = settingsOf(parsed.value, await table.written("global", "sampling_strategies"));
  return typeof settings === "string" ? problemReply(422, settings) : { settings };
}
