// What the admin API answers about signals, as schemas.
import * as z from 'zod'

const seconds = z.int().describe('Unix seconds')

const signalStream = z.strictObject({
  provider: z.string(),
  streamId: z.string(),
  issuer: z.string(),
  audience: z.array(z.string()),
  delivery: z.enum(['push', 'poll']),
  pollUrl: z.string().optional(),
  setUpAt: seconds,
  status: z.string().describe('As the transmitter last said'),
  askedAt: seconds.optional(),
  verifiedAt: seconds.optional(),
  polledAt: seconds.optional(),
  problem: z.string().optional(),
})
const signalDoor = z.strictObject({
  door: z.enum(['backchannel-logout', 'global-token-revocation', 'shared-signals', 'scim']),
  isOpen: z.boolean(),
  address: z.string().describe('What is entered at the provider'),
  last: z.strictObject({ event: z.string(), jti: z.string(), at: seconds }).optional(),
})
const signalProvider = z.strictObject({
  provider: z.string(),
  name: z.string(),
  doors: z.array(signalDoor),
  transmitter: z.string().optional(),
  stream: signalStream.optional(),
})

export const SIGNAL_ANSWERS = {
  Signals: z.strictObject({ providers: z.array(signalProvider) }),
  SignalStream: signalStream,
  ServerTold: z.strictObject({ told: z.boolean(), why: z.string() }),
} as const
