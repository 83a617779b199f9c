import { ConnectionError, ConnectionErrorReason, DisconnectReason } from 'livekit-client';
import type { Ending } from '../call/types';
import { type Problem, ProblemError } from '../problem';

/** What a failed start of a session means. */
export function connectProblem(error: unknown): ProblemError {
  return new ProblemError(problemOf(error), error);
}

function problemOf(error: unknown): Problem {
  if (!(error instanceof ConnectionError)) return 'cannot-join';
  switch (error.reason) {
    case ConnectionErrorReason.ServerUnreachable:
    case ConnectionErrorReason.WebSocket:
    case ConnectionErrorReason.ServiceNotFound:
      return 'signal-refused';
    case ConnectionErrorReason.InternalError:
    case ConnectionErrorReason.Timeout:
      // The signal connection stood, and no media path came about.
      return 'ice-failed';
    case ConnectionErrorReason.LeaveRequest: {
      const ending = endingOf(error.context as DisconnectReason);
      return ending === 'left' || ending === 'lost' ? 'cannot-join' : ending;
    }
    default:
      return 'cannot-join';
  }
}

/** What the reason of a disconnection means for the person. */
export function endingOf(reason: DisconnectReason | undefined): Ending {
  switch (reason) {
    case DisconnectReason.CLIENT_INITIATED:
      return 'left';
    case DisconnectReason.DUPLICATE_IDENTITY:
      return 'other-tab';
    case DisconnectReason.PARTICIPANT_REMOVED:
      return 'removed';
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
      return 'ended';
    case DisconnectReason.SERVER_SHUTDOWN:
      return 'restart';
    default:
      return 'lost';
  }
}
