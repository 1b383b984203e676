import type { UnaryCall, UnaryExchange, UnaryHandler, UnaryReply } from "../../http2/port.ts";
import type { Answers } from "./answers.ts";
import { encodeStrategy, readParameters } from "./messages.ts";

const PATH = "/jaeger.api_v2.SamplingManager/GetSamplingStrategy";
const STATUS = { OK: 0, INVALID_ARGUMENT: 3, FAILED_PRECONDITION: 9, UNIMPLEMENTED: 12 } as const;
/** The name of one service. */
const MAX_MESSAGE_BYTES = 16_384;

/** jaeger.api_v2.SamplingManager, as a handler of unary calls. */
export function createSamplingHandler(answers: Answers): UnaryHandler {
  const refuse = (call: UnaryCall, text: string): undefined => {
    answers.invalid("sampling_grpc");
    call.reply({ status: STATUS.UNIMPLEMENTED, text });
  };
  return (call) => {
    if (call.path !== PATH) return refuse(call, `there is no method ${call.path}; this is Jaeger's SamplingManager`);
    if (call.encoding !== "identity") {
      return refuse(call, `grpc-encoding "${call.encoding}" is not taken here: send it uncompressed`);
    }
    return exchangeFor(call, answers);
  };
}

function exchangeFor(call: UnaryCall, answers: Answers): UnaryExchange {
  return {
    maxMessageBytes: MAX_MESSAGE_BYTES,
    length: () => undefined,
    message(bytes, _compressed, body) {
      const service = readParameters(bytes);
      body.release();
      call.reply(service === undefined ? refusal(answers) : answerTo(service, answers));
    },
    cancelled: () => undefined,
  };
}

function answerTo(service: string, answers: Answers): UnaryReply {
  const answer = answers.of(service, "sampling_grpc");
  return answer.ok
    ? { status: STATUS.OK, text: "", message: encodeStrategy(answer.strategy) }
    : { status: STATUS.FAILED_PRECONDITION, text: answer.reason };
}

function refusal(answers: Answers): UnaryReply {
  answers.invalid("sampling_grpc");
  return { status: STATUS.INVALID_ARGUMENT, text: "the request is no SamplingStrategyParameters" };
}
