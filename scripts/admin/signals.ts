// npm run admin -- signals: by which doors identity providers may take access away, and the streams of those that send security events.

/** A mistake of whoever typed it: said without a stack. */
export class Mistake extends Error {}

export type Answer = Readonly<Record<string, any>>

const DOOR = ['provider', 'door', 'isOpen', 'address', 'lastEvent', 'lastAt', 'verifiedAt']
const STREAM = ['provider', 'delivery', 'status', 'streamId', 'askedAt', 'verifiedAt', 'polledAt', 'problem']

/** Where to post what. A token of an administrator at the transmitter is no argument: those stand in lists of processes. */
export function streamAction([what, provider]: readonly string[], reason: () => string): [path: string, body: object] {
  const isServer = what === 'verify-server'
  if (what !== 'setup' && what !== 'verify' && !isServer)
    throw new Mistake('signals, signals setup PROVIDER, signals verify PROVIDER, or signals verify-server NAME.')
  if (isServer && provider !== undefined) return [`/servers/${encodeURIComponent(provider)}/verify`, { reason: reason() }]
  if (provider === undefined) throw new Mistake('PROVIDER is missing: npm run admin -- signals lists them.')
  const path = `/signals/${encodeURIComponent(provider)}`
  if (what === 'verify') return [`${path}/verify`, { reason: reason() }]
  const token = process.env['AT_TRANSMITTER']
  return [`${path}/stream`, { reason: reason(), ...(token && { token }) }]
}

/** Rows and columns of a table. */
export function signalRows(answer: Answer): [rows: readonly Answer[], columns: readonly string[]] {
  const { providers, told } = answer
  if (told !== undefined) return [[answer], ['told', 'why']]
  return providers === undefined ? [[answer], STREAM] : [providers.flatMap(doorsOf), DOOR]
}

function doorsOf({ provider, doors, stream }: Answer): readonly Answer[] {
  return doors.map(({ door, isOpen, address, last }: Answer) => ({
    provider,
    door,
    isOpen,
    address,
    lastEvent: last?.event,
    lastAt: last?.at,
    verifiedAt: door === 'shared-signals' ? stream?.verifiedAt : undefined,
  }))
}
