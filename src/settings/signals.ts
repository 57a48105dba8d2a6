// What an identity provider may say about its people's access by itself, and which doors that opens.
import * as z from 'zod'
import { webUrl } from './web-url.ts'
import { jsonOf } from './json-list.ts'
import { isOpenHttp } from './problem.ts'

export interface SignalSettings {
  /** Who signs Global Token Revocation: the organisation, where people sign in with an authorization server of it. Absent: that door is shut. */
  readonly revocationIssuer?: string | undefined
  /** The issuer of a Shared Signals transmitter. Absent: that door is shut. */
  readonly transmitter?: string | undefined
  /** Whether the transmitter comes here, or is asked. */
  readonly delivery: 'push' | 'poll'
  /** What follows from `credential-change`. */
  readonly credentialChange: 'recheck' | 'end' | 'ignore'
}

export const NO_SIGNALS: SignalSettings = { delivery: 'push', credentialChange: 'recheck' }

const issuer = webUrl.refine(({ href }) => !isOpenHttp(href), 'would be asked over plain http').transform(({ href }) => href)

export const signalSettings = z
  .strictObject({
    revocation_issuer: issuer.optional(),
    transmitter: issuer.optional(),
    delivery: z.enum(['push', 'poll']).default(NO_SIGNALS.delivery),
    credential_change: z.enum(['recheck', 'end', 'ignore']).default(NO_SIGNALS.credentialChange),
  })
  .transform(
    ({ revocation_issuer: revocationIssuer, transmitter, delivery, credential_change: credentialChange }): SignalSettings => {
      return { revocationIssuer, transmitter, delivery, credentialChange }
    },
  )

/** The same in a variable of its own. */
export const signalSettingsText = z.string().transform((text, context) => {
  const parsed = signalSettings.safeParse(jsonOf(text))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const field = issue?.path.join('.')
  context.addIssue({
    code: 'custom',
    message: field
      ? `has a fault at ${field.slice(0, 60)}: ${issue?.message}`
      : 'is not a JSON object of what docs/signals.md lists',
    params: { cure: 'give it as {"revocation_issuer":"https://example.okta.com"}: docs/signals.md' },
  })
  return z.NEVER
})
