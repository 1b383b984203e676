/**
 * What is done to a candidate until the store has ended its sessions: its process is killed; it is
 * stopped by SIGSTOP; its thread computes and does nothing else; its connections are reset; nothing
 * comes through, and arrives later; the store hears it, and it does not hear the store.
 */
export const DISRUPTIONS = ["kill", "pause", "block", "cut", "hold", "deaf"] as const;
export type Disruption = (typeof DISRUPTIONS)[number];
