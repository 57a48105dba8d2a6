// The test's hand on the identity provider: count its calls, hold them in flight, make it fail, change its people.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { PEOPLE, PERSON_KEYS, type Person, type PersonKey } from './people.ts'

export type Endpoint = 'discovery' | 'jwks' | 'authorize' | 'signIn' | 'token' | 'userinfo' | 'revocation' | 'other'

export interface Hold {
  /** Settles when the first request has arrived (or, for answers, when the first answer is ready). */
  readonly arrived: Promise<void>
  /** How many wait now. */
  readonly waiting: () => number
  readonly release: () => void
}

interface Gate {
  readonly endpoint: Endpoint
  readonly at: 'request' | 'answer'
  readonly open: Promise<void>
  readonly arrive: () => void
}

interface Failure {
  readonly endpoint: Endpoint
  readonly answer: { readonly status: number; readonly body: unknown } | 'lost'
  left: number
}

export class IdentityProviderControl {
  /** How often each endpoint was called since the start or since `forgetCalls()`. */
  readonly calls: Record<Endpoint, number> = noCalls()
  /** Puts a new signing key first; `keepOld: false` also withdraws the old ones at once. */
  readonly rotateKeys: (options?: { keepOld?: boolean }) => Promise<void>
  readonly #people = new Map<PersonKey, Person>(PERSON_KEYS.map((key) => [key, PEOPLE[key]]))
  readonly #dropped = new Set<PersonKey>()
  readonly #gates = new Set<Gate>()
  readonly #failures: Failure[] = []
  #down = false

  constructor(rotateKeys: (options?: { keepOld?: boolean }) => Promise<void>) {
    this.rotateKeys = rotateKeys
  }

  forgetCalls(): void {
    Object.assign(this.calls, noCalls())
  }

  /** Every request to the endpoint waits until `release()`: before it is processed, or with its answer ready but unsent. */
  hold(endpoint: Endpoint, at: 'request' | 'answer' = 'request'): Hold {
    const { promise: open, resolve: unlock } = Promise.withResolvers<void>()
    const { promise: arrived, resolve: announce } = Promise.withResolvers<void>()
    let waiting = 0
    const arrive = (): void => {
      waiting += 1
      announce()
    }
    const gate: Gate = { endpoint, at, open, arrive }
    this.#gates.add(gate)
    const release = (): void => {
      this.#gates.delete(gate)
      waiting = 0
      unlock()
    }
    return { arrived, waiting: () => waiting, release }
  }

  /** The next requests to the endpoint are answered with this instead of being processed. */
  failNext(endpoint: Endpoint, { status = 500, body = { error: 'server_error' }, times = 1 } = {}): void {
    this.#failures.push({ endpoint, answer: { status, body }, left: times })
  }

  /** The next request to the endpoint is processed, but its answer is lost on the way: the connection breaks. */
  loseNextAnswer(endpoint: Endpoint): void {
    this.#failures.push({ endpoint, answer: 'lost', left: 1 })
  }

  /** While down, every endpoint answers 503. */
  down(isDown: boolean): void {
    this.#down = isDown
  }

  /** The person no longer exists: refreshing answers `invalid_grant`, signing in is refused. */
  dropPerson(key: PersonKey): void {
    this.#dropped.add(key)
  }

  restorePerson(key: PersonKey): void {
    this.#dropped.delete(key)
  }

  changeEmail(key: PersonKey, email: string): void {
    this.#change(key, { email })
  }

  changeGroups(key: PersonKey, groups: readonly string[]): void {
    this.#change(key, { groups })
  }

  person(key: PersonKey): Person | undefined {
    return this.#dropped.has(key) ? undefined : this.#people.get(key)
  }

  personBySub(sub: string): Person | undefined {
    const key = [...this.#people].find(([, person]) => person.sub === sub)?.[0]
    return key && this.person(key)
  }

  /** Stands in front of the provider: true when it may process the request. */
  async admits(endpoint: Endpoint, res: ServerResponse): Promise<boolean> {
    this.calls[endpoint] += 1
    for (const gate of this.#gates) {
      if (gate.endpoint !== endpoint) continue
      if (gate.at === 'answer') holdAnswer(res, gate)
      else {
        gate.arrive()
        await gate.open
      }
    }
    if (this.#down) return answered(res, 503, { error: 'temporarily_unavailable' })
    const failure = this.#failures.find(({ endpoint: named, left }) => named === endpoint && left > 0)
    if (!failure) return true
    failure.left -= 1
    if (failure.answer !== 'lost') return answered(res, failure.answer.status, failure.answer.body)
    res.end = () => res.destroy()
    return true
  }

  #change(key: PersonKey, change: Partial<Person>): void {
    this.#people.set(key, { ...(this.#people.get(key) ?? PEOPLE[key]), ...change })
  }
}

/** Which endpoint a request means; the routes are the ones `identity-provider.ts` configures. */
export function endpointOf(req: IncomingMessage): Endpoint {
  const [path = ''] = (req.url ?? '').split('?')
  if (path.startsWith('/.well-known/')) return 'discovery'
  if (path.startsWith('/sign-in/')) return 'signIn'
  if (path === '/authorize' || path.startsWith('/authorize/')) return 'authorize'
  const exact: Readonly<Record<string, Endpoint>> = {
    '/jwks': 'jwks',
    '/token': 'token',
    '/userinfo': 'userinfo',
    '/revoke': 'revocation',
  }
  return exact[path] ?? 'other'
}

function noCalls(): Record<Endpoint, number> {
  return { discovery: 0, jwks: 0, authorize: 0, signIn: 0, token: 0, userinfo: 0, revocation: 0, other: 0 }
}

function answered(res: ServerResponse, status: number, body: unknown): false {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  return false
}

/** Head and body leave together on `end`, so delaying that one call keeps the whole answer back. */
function holdAnswer(res: ServerResponse, gate: Gate): void {
  res.end = new Proxy(res.end.bind(res), {
    apply: (end, self, given) => {
      gate.arrive()
      void gate.open.then(() => Reflect.apply(end, self, given))
      return res
    },
  })
}
