/** What a worker gets to answer what is easily answered; who does not is left out. */
export const ASK_LIMIT_MS = 2_000;
/** Who does not answer within this is as good as dead. */
export const SILENCE_MS = 10_000;
