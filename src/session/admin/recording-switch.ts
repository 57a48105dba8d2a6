// Recording what passes for a person: switched on and off by an administrator, and noted like everything that is done to somebody.
import type { SessionContext } from '../session-context.ts'
import type { By } from '../contract/receipt.ts'
import type { RecordedBy, RecordingAsked, RecordingTerms, SealedPage, WireEntry } from '../contract/recording.ts'

/** Undefined when nobody has signed in here. */
export async function switchRecordingOn(
  context: Pick<SessionContext, 'now' | 'outbox' | 'profile' | 'recorder' | 'leases'>,
  asked: RecordingAsked,
  by: By,
): Promise<RecordingTerms | undefined> {
  if (!context.profile.identity) return undefined
  const terms = await context.recorder.start(asked, by, context.now())
  const { grantId } = asked
  // From here on every request goes by an admission that says so.
  await context.leases.drop((lease) => grantId === undefined || lease.grantId === grantId)
  await context.outbox.put({ type: 'recording_started', at: context.now(), ...(grantId !== undefined && { grantId }), ...by })
  return terms
}

export async function switchRecordingOff(
  context: Pick<SessionContext, 'now' | 'outbox' | 'recorder' | 'leases'>,
  by: By,
): Promise<boolean> {
  const wasOn = await context.recorder.stop()
  if (wasOn) await context.leases.drop()
  if (wasOn) await context.outbox.put({ type: 'recording_stopped', at: context.now(), ...by })
  return wasOn
}

/** Whoever takes sealed messages may open them wherever they like. */
export async function sealedFor(
  reader: RecordedBy | undefined,
  { now, outbox, recorder }: Pick<SessionContext, 'now' | 'outbox' | 'recorder'>,
  after: number,
  most: number | undefined,
): Promise<SealedPage> {
  if (reader && recorder.isNewReader(reader.actor, now())) await outbox.put({ type: 'recording_read', at: now(), ...reader })
  return recorder.sealed(after, most)
}

/** The tokens and secrets a downstream is given are known by value, because it may say them. */
export async function noteEntries(
  context: Pick<SessionContext, 'links' | 'now' | 'provider' | 'recorder' | 'settings'>,
  entries: readonly WireEntry[],
): Promise<void> {
  const { accessToken, refreshToken, idToken } = context.provider.tokens ?? {}
  const fixed = context.settings.downstreams.flatMap(({ headers = {} }) => Object.values(headers))
  const bare = fixed.map((value) => value.replace(/^\S+ +/, ''))
  const given = [accessToken, refreshToken, idToken, ...fixed, ...bare, ...context.links.secrets]
  const secrets = given.filter((secret) => secret !== undefined)
  await context.recorder.add(entries, secrets, context.now())
}
