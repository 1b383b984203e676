/**
 * What is done to a candidate until the store has ended its sessions: its process is killed; it is
 * stopped by SIGSTOP; its thread computes and does nothing else; its connections are reset; nothing
 * comes through, and arrives later; the store hears it, and it does not hear the store.
 */
export const DISRUPTIONS = ["kill", "pause", "block", "cut", "hold", "one_way"] as const;
export type Disruption = (typeof DISRUPTIONS)[number];

/** Which of the store's members is killed, and started again with what it had. */
export const MEMBERS = ["leader", "follower"] as const;
export type MemberRole = (typeof MEMBERS)[number];

/** Done at the same time: to each of so many candidates another, and to the store itself. */
export interface Wave {
  readonly candidates: readonly Disruption[];
  readonly member?: MemberRole | undefined;
}
