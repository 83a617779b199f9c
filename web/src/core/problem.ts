/** What can stand between a person and a meeting. Each key has its text in the locales. */
export const PROBLEMS = [
  'blocked-site',
  'blocked-os',
  'asked-closed',
  'no-device',
  'busy',
  'insecure',
  'signal-refused',
  'ice-failed',
  'invalid-name',
  'invalid-room',
  'full',
  'not-found',
  'busy-server',
  'network',
  'other-tab',
  'ended',
  'removed',
  'restart',
  'lost',
  'cannot-join',
  'cannot-share',
  'not-sent',
] as const;

/** The name of one such state, as web-design section 6 calls it. */
export type Problem = (typeof PROBLEMS)[number];

/** The problems a camera or a microphone can have. */
export type MediaProblem = Extract<
  Problem,
  'blocked-site' | 'blocked-os' | 'asked-closed' | 'no-device' | 'busy' | 'insecure'
>;

/** Carries a problem through code that throws. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem, cause?: unknown) {
    super(problem, { cause });
    this.name = 'ProblemError';
    this.problem = problem;
  }
}
