// Cloudflare Access in front of the broker: its signed word about who is there (the header `Cf-Access-Jwt-Assertion`), verified.
//
// Whoever reaches this Worker by another way can send the header too; only the signature, the issuer and the audience make it true.
import * as z from 'zod'
import { KeysAway, KeySet } from '../oauth-client/key-set.ts'
import { askForKeys } from './ask.ts'
import { IdentityError } from './provider.ts'

export interface AccessInFront {
  /** `https://<team>.cloudflareaccess.com`, in whose name the keys are published too. */
  readonly issuer: string
  /** The AUD tag of the Access application. */
  readonly audience: string
}

// A service token has a common name and no e-mail address: it is a program, and programs have machine credentials here.
const personClaims = z.object({
  sub: z.string().optional(),
  iat: z.number(),
  exp: z.number(),
  email: z.string().min(3),
  common_name: z.undefined().optional(),
  type: z.literal('app').optional(),
})

/** Whom Access has let through, and until when its word counts, in unix seconds. */
export type Asserted = Readonly<z.output<typeof personClaims>>

/** Seconds. Access changes its keys every six weeks and announces the next one; an hour is long enough for one that was withdrawn. */
const FRESH_FOR = 3_600

export class AccessAssertions {
  readonly #access: AccessInFront
  readonly #keys: KeySet
  readonly #now: () => number

  /** `now` in unix seconds. */
  constructor(access: AccessInFront, now: () => number, fetchKeys: typeof askForKeys = askForKeys) {
    this.#access = access
    this.#now = now
    const published = `${access.issuer}/cdn-cgi/access/certs`
    this.#keys = new KeySet(async () => ({ ...(await fetchKeys(published, access.issuer)), freshFor: FRESH_FOR }), now)
  }

  /** Undefined when this is not a person's assertion for this application. */
  async person(assertion: string): Promise<Asserted | undefined> {
    try {
      const { payload } = await this.#keys.verify(assertion, {
        issuer: this.#access.issuer,
        audience: this.#access.audience,
        algorithms: ['RS256', 'ES256'],
        requiredClaims: ['exp', 'iat'],
        currentDate: new Date(this.#now() * 1000),
      })
      return personClaims.safeParse(payload).data
    } catch (cause) {
      if (!(cause instanceof KeysAway)) return undefined
      throw new IdentityError('unreachable', 'the keys of Cloudflare Access can not be fetched', { cause })
    }
  }
}
