// Recording what passes for a person: switched on and off by an administrator, and noted like everything that is done to somebody.
import type { SessionContext } from '../session-context.ts'
import type { By } from '../contract/receipt.ts'
import type { RecordingAsked, RecordingTerms, WireEntry } from '../contract/recording.ts'

/** Undefined when nobody has signed in here. */
export async function startRecording(parts: SessionContext, asked: RecordingAsked, by: By): Promise<RecordingTerms | undefined> {
  if (!parts.profile.identity) return undefined
  const terms = await parts.recorder.start(asked, by, parts.now())
  const { grantId } = asked
  await parts.outbox.put({ type: 'recording_started', at: parts.now(), ...(grantId !== undefined && { grantId }), ...by })
  return terms
}

export async function stopRecording(parts: SessionContext, by: By): Promise<boolean> {
  const wasOn = parts.recorder.stop()
  if (wasOn) await parts.outbox.put({ type: 'recording_stopped', at: parts.now(), ...by })
  return wasOn
}

/** The tokens and secrets a downstream is given are known by value, because it may say them. */
export function noteEntries(parts: SessionContext, entries: readonly WireEntry[]): void {
  const { accessToken, refreshToken, idToken } = parts.provider.tokens ?? {}
  const fixed = parts.settings.downstreams.flatMap(({ headers = {} }) => Object.values(headers))
  const bare = fixed.map((value) => value.replace(/^\S+ +/, ''))
  const given = [accessToken, refreshToken, idToken, ...fixed, ...bare, ...parts.links.secrets]
  const secrets = given.filter((secret) => secret !== undefined)
  parts.recorder.add(entries, secrets, parts.now())
}
