import { z } from "zod";
import { type ControllerAddress, ControllerSchema } from "./messages.ts";

/** What a controller says of itself where it stands for an election: how collectors find it. */
const LeaderValueSchema = ControllerSchema.extend({
  schema: z.int().min(1).default(1),
  /** Whom it wants to lead in its place: the others step aside. */
  transfer_to: z.string().max(256).optional(),
});
export type LeaderValue = z.output<typeof LeaderValueSchema>;

export function encodeLeader(controller: ControllerAddress, transferTo?: string): string {
  const value = { schema: 1, ...controller };
  return JSON.stringify(transferTo === undefined ? value : { ...value, transfer_to: transferTo });
}

/** Where it is dialled. */
export function leaderAddress({ id, address, tls }: LeaderValue): ControllerAddress {
  return { id, address, tls };
}

/** Undefined for what no controller has said. */
export function decodeLeader(value: string): LeaderValue | undefined {
  try {
    return LeaderValueSchema.safeParse(JSON.parse(value)).data;
  } catch {
    return undefined;
  }
}
