import { z } from "zod";
import { type ExplainInput, readExplainInput, simpleRequest } from "../plan/explain-input.ts";
import { SIMPLE_ITEM_SHAPE, SimpleItemSchema } from "../plan/simple-item.ts";
import { checkMapping, parseJsonMapping, requestBody } from "./body.ts";
import type { AdminContext } from "./context.ts";
import { problemReply } from "./reply.ts";
import { type AdminBody, type AdminReply, type AdminRoute } from "./route.ts";

/** What would become of data, by the rules, pools and targets as they are now. */
export function explainRoute(context: AdminContext): AdminRoute {
  let last: Promise<unknown> = Promise.resolve(); // one after the other: each takes some of the data plane's time
  return {
    method: "POST",
    path: "/api/v1/explain",
    role: "viewer",
    summary: "What would become of a request, or of one item, if it came now; nothing of it is carried out.",
    statuses: [422, 503],
    body: requestBody(BodySchema),
    work: "explain",
    handle: ({ body }) => {
      const mine = last.then(() => reply(body, context));
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}

const MAX_ITEMS = 1_000;
const DEFAULT_ITEMS = 20;

const BodySchema = z
  .strictObject({
    request: z
      .record(z.string(), z.unknown())
      .optional()
      .describe("An OTLP export request in JSON, or one span, metric or log record."),
    protobuf: z.base64().optional().describe("An OTLP export request in protobuf."),
    item: SimpleItemSchema.optional().describe("One item in a few words."),
    signal: SIMPLE_ITEM_SHAPE.signal.describe("Where it cannot be seen."),
    region: SIMPLE_ITEM_SHAPE.region.describe("Of the listener that it would come in by; else that of the node."),
    headers: SIMPLE_ITEM_SHAPE.headers.describe("Of the request that it would come in; names in any case."),
    max_items: z.int().min(1).max(MAX_ITEMS).default(DEFAULT_ITEMS).describe("So many are explained."),
  })
  .describe("One of request, protobuf and item.");

async function reply(body: AdminBody | undefined, { dataPlane }: AdminContext): Promise<AdminReply> {
  const parsed = checkMapping(parseJsonMapping(body), BodySchema);
  if (!parsed.ok) return parsed.reply;
  const { request, protobuf, item, signal, max_items: maxItems } = parsed.value;
  const given = [request, protobuf, item].filter((one) => one !== undefined);
  if (given.length !== 1) return problemReply(422, "the body needs one of request, protobuf and item");
  const input = read(parsed.value);
  if (!input.ok) return problemReply(422, input.message);
  if (signal !== undefined && signal !== input.signal)
    return problemReply(422, `it is a request of ${input.signal}, not of ${signal}`);
  const { bytes, note } = input;
  const { region = item?.region, headers = item?.headers } = parsed.value;
  const asked = { signal: input.signal, bytes, region, headers, maxItems };
  const explanation = await dataPlane.explain(asked);
  const { length } = explanation.items;
  const isCut = explanation.refusal === null && length < Math.min(maxItems, explanation.total_items);
  const notes = [note, isCut ? `the rules are many: only the first ${length} items are explained` : ""];
  const told = notes.filter((one) => one !== "").join("; ");
  return { status: 200, body: told === "" ? explanation : { ...explanation, note: told } };
}

function read({ request, protobuf, item, signal }: z.output<typeof BodySchema>): ExplainInput {
  if (item !== undefined) return simpleRequest(signal === undefined ? item : { signal, ...item });
  if (protobuf !== undefined) return readExplainInput(Buffer.from(protobuf, "base64"), signal);
  const text = textOf(request);
  return text === undefined ? TOO_DEEP : readExplainInput(Buffer.from(text), signal);
}

const TOO_DEEP: ExplainInput = { ok: false, message: "the request is nested too deeply" };

/**
 * Undefined when values nest thousands of levels deep: reading such a text takes no stack, writing
 * it does.
 */
function textOf(values: unknown): string | undefined {
  try {
    return JSON.stringify(values);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    return undefined;
  }
}
