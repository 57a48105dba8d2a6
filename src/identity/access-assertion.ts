// Cloudflare Access in front of the broker: its signed word about who is there (the header `Cf-Access-Jwt-Assertion`), verified.
//
// Whoever reaches this Worker by another way can send the header too; only the signature, the issuer and the audience make it true.
import * as z from 'zod'
import { ask, jsonOf } from './ask.ts'
import { IdentityError } from './provider.ts'
import { KeysAway, PublishedKeys } from './published-keys.ts'

export interface AccessInFront {
  /** `https://<team>.cloudflareaccess.com`, in whose name the keys are published too. */
  readonly issuer: string
  /** The AUD tag of the Access application. */
  readonly audience: string
}

// A service token has a common name and no e-mail address: it is a program, and programs have machine credentials here.
const personClaims = z.object({
  sub: z.string().optional(),
  exp: z.number(),
  email: z.string().min(3),
  common_name: z.undefined().optional(),
  type: z.literal('app').optional(),
})

/** Whom Access has let through, and until when its word counts, in unix seconds. */
export type Asserted = Readonly<z.output<typeof personClaims>>

/** Access changes its keys every six weeks and announces the next one; an hour is long enough for one that was withdrawn. */
const KEYS_ARE_GOOD = 3_600

export class AccessAssertions {
  readonly #access: AccessInFront
  readonly #keys: PublishedKeys
  readonly #now: () => number

  /** `now` in unix seconds. */
  constructor(access: AccessInFront, now: () => number, fetchKeys: (url: string) => Promise<unknown> = keysAt) {
    this.#access = access
    this.#now = now
    this.#keys = new PublishedKeys(() => fetchKeys(`${access.issuer}/cdn-cgi/access/certs`), KEYS_ARE_GOOD, now)
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

async function keysAt(url: string): Promise<unknown> {
  const response = await ask(url, { method: 'GET', headers: { accept: 'application/json' } })
  return await jsonOf(response, 'Cloudflare Access')
}
