// Cloudflare Access in front of the portal: its signed word about who is there (the header `Cf-Access-Jwt-Assertion`), verified.
//
// Whoever reaches this Worker by another way can send the header too; only the signature, the issuer and the audience make it true.
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose'
import * as z from 'zod'
import { describeError } from '../platform/telemetry.ts'
import { ask, jsonOf } from './ask.ts'
import { IdentityError } from './provider.ts'
import { Remembered } from './remembered.ts'

export interface AccessInFront {
  /** `https://<team>.cloudflareaccess.com`, in whose name the keys are published too. */
  readonly issuer: string
  /** The AUD tag of the Access application. */
  readonly audience: string
}

const keySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) })

// A service token has a common name and no e-mail address: it is a program, and programs have machine credentials here.
const personClaims = z.object({
  email: z.string().min(3),
  common_name: z.undefined().optional(),
  type: z.literal('app').optional(),
})

const MINUTE_MS = 60_000
/** Access changes its keys every six weeks and announces the next one; an hour is long enough for one that was withdrawn. */
const KEYS_ARE_GOOD_MS = 3_600_000

const UNKNOWN_KEY = Symbol('unknown key')

type Fetched = { readonly keys: JSONWebKeySet } | { readonly error: unknown }

export class AccessAssertions {
  readonly #access: AccessInFront
  readonly #fetchKeys: (url: string) => Promise<unknown>
  readonly #now: () => number
  // Failures are remembered too: a flood of assertions asks at most once a minute, whatever the answer.
  readonly #fetched = new Remembered<Fetched>(MINUTE_MS)
  #known: { readonly keys: JSONWebKeySet; readonly until: number } | undefined

  /** `now` in unix seconds. */
  constructor(access: AccessInFront, now: () => number, fetchKeys: (url: string) => Promise<unknown> = keysAt) {
    this.#access = access
    this.#now = now
    this.#fetchKeys = fetchKeys
  }

  /** The verified e-mail address, or undefined when this is not a person's assertion for this application. */
  async email(assertion: string): Promise<string | undefined> {
    const known = this.#known && this.#known.until > this.#now() * 1000 ? this.#known.keys : undefined
    const verdict = known ? await this.#verify(assertion, known) : UNKNOWN_KEY
    if (verdict !== UNKNOWN_KEY) return verdict
    const fetched = await this.#fetched.get(() => this.#fetch())
    if ('error' in fetched) {
      if (known) return undefined
      throw new IdentityError('unreachable', 'the keys of Cloudflare Access can not be fetched', { cause: fetched.error })
    }
    const again = await this.#verify(assertion, fetched.keys)
    return again === UNKNOWN_KEY ? undefined : again
  }

  async #fetch(): Promise<Fetched> {
    try {
      const keys = keySet.parse(await this.#fetchKeys(`${this.#access.issuer}/cdn-cgi/access/certs`))
      this.#known = { keys, until: this.#now() * 1000 + KEYS_ARE_GOOD_MS }
      return { keys }
    } catch (error) {
      return { error: describeError(error) }
    }
  }

  async #verify(assertion: string, keys: JSONWebKeySet): Promise<string | undefined | typeof UNKNOWN_KEY> {
    try {
      const { payload } = await jwtVerify(assertion, createLocalJWKSet(keys), {
        issuer: this.#access.issuer,
        audience: this.#access.audience,
        algorithms: ['RS256', 'ES256'],
        requiredClaims: ['exp', 'iat'],
        currentDate: new Date(this.#now() * 1000),
      })
      return personClaims.safeParse(payload).data?.email
    } catch (error) {
      return error instanceof Error && 'code' in error && error.code === 'ERR_JWKS_NO_MATCHING_KEY' ? UNKNOWN_KEY : undefined
    }
  }
}

async function keysAt(url: string): Promise<unknown> {
  const response = await ask(url, { method: 'GET', headers: { accept: 'application/json' } })
  return await jsonOf(response, 'Cloudflare Access')
}
