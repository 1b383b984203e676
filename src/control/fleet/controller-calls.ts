import type {
  AwaitReply,
  AwaitRequest,
  CollectorReport,
  DiscoverReply,
  DiscoverRequest,
  FetchReply,
  FetchRequest,
  GoodbyeReply,
  GoodbyeRequest,
  LimitsReply,
  LimitsRequest,
  MemberReply,
  MemberRequest,
  MembersReply,
  MembersRequest,
  NotLeader,
  ReportReply,
} from "./messages.ts";

/**
 * Who asks, as the transport knows it: to be told to people, and nothing is decided by it here.
 */
export interface CalledWith {
  /**
   * Fires when nobody waits for the answer any more: the peer went away, its deadline is over, or
   * the listener closes.
   */
  readonly signal: AbortSignal;
  /** Address and port; `local` in one process. */
  readonly peer: string;
}

/**
 * What the controller of a region does for its collectors, and for whoever asks who is there: plain
 * data, already checked. Rejecting is a fault of the controller (INTERNAL to its peer); what is
 * expected is in the replies.
 */
export interface ControllerCalls {
  readonly report: (request: CollectorReport, called: CalledWith) => Promise<NotLeader | ReportReply>;
  /** Held until something is newer than what is known, for 25 s +-5 s at most. */
  readonly await: (request: AwaitRequest, called: CalledWith) => Promise<AwaitReply | NotLeader>;
  readonly fetch: (request: FetchRequest, called: CalledWith) => Promise<FetchReply | NotLeader>;
  readonly goodbye: (request: GoodbyeRequest, called: CalledWith) => Promise<GoodbyeReply | NotLeader>;
  /** Asked of the leader of the fleet. */
  readonly limits: (request: LimitsRequest, called: CalledWith) => Promise<LimitsReply | NotLeader>;
  readonly members: (request: MembersRequest, called: CalledWith) => Promise<MembersReply | NotLeader>;
  /** Held while nobody comes or goes, for 10 s +-2 s at most: who answers then tells their load. */
  readonly discover: (request: DiscoverRequest, called: CalledWith) => Promise<DiscoverReply | NotLeader>;
  readonly member: (request: MemberRequest, called: CalledWith) => Promise<MemberReply | NotLeader>;
}

export type ControllerMethod = keyof ControllerCalls;

/** What goes into a call, and what comes back. */
export type ControllerRequest<Method extends ControllerMethod> = Parameters<ControllerCalls[Method]>[0];
export type ControllerReply<Method extends ControllerMethod> = Exclude<
  Awaited<ReturnType<ControllerCalls[Method]>>,
  NotLeader
>;

export function isNotLeader(reply: object): reply is NotLeader {
  return "not_leader" in reply;
}
