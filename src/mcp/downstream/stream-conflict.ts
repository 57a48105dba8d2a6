// Whether a GET is refused because its downstream still holds the stream this one takes the place of.
//
// A server that allows one standing stream notices late that its reader has gone, behind a proxy seconds late. Most SDKs say 409;
// mcp-go and the C# SDK say 400, in words that name the session and are about a living one.
import { lookedAt } from './session-doubt.ts'

export interface Conflict {
  readonly isConflict: boolean
  /** The answer, to be passed on whole: what was read of its body is back. */
  readonly answer: Response
}

const STILL_HELD = /already (?:exists|open|connected)|multiple GET requests|only one (?:SSE )?(?:stream|connection)/i

export async function conflictIn(answer: Response): Promise<Conflict> {
  if (answer.status !== 400) return { isConflict: answer.status === 409, answer }
  const { text, whole } = await lookedAt(answer)
  return { isConflict: STILL_HELD.test(text), answer: whole }
}
