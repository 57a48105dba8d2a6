// A server of plain OAuth that publishes nothing: endpoints in the usual place, opaque tokens, a userinfo of its own making.
import { identityProviderFor } from '../../../../src/identity/identity-providers.ts'
import type { IdentityProviderSettings } from '../../../../src/settings/providers.ts'
import { PEOPLE } from '../../../world/people.ts'
import type { ProviderWorld } from '../contract.ts'
import { settingsFor } from '../logins.ts'
import { answerTo, Codes, People, NOT_FOUND, redirect, StandIn, Tokens } from './stand-in.ts'
import type { Answer, Asked, PersonKey } from './stand-in.ts'

const IDS: Readonly<Record<PersonKey, number>> = { alice: 41, bob: 42 }

export interface PlainWorld extends ProviderWorld {
  readonly server: StandIn
  /** Changes to what userinfo says. */
  userInfo: Readonly<Record<string, unknown>>
  /** Changes to what the token endpoint says. */
  tokens: Readonly<Record<string, unknown>>
}

export async function startPlainOAuth(change: Partial<IdentityProviderSettings> = {}): Promise<PlainWorld> {
  const [codes, access, people] = [new Codes(), new Tokens(), new People()]

  const token = (asked: Asked): Answer => {
    const code = codes.redeem(asked)
    if (!code) return { status: 400, json: { error: 'invalid_grant' } }
    return { json: { access_token: access.issue(code.person), token_type: 'Bearer', ...world.tokens } }
  }
  const userInfo = (asked: Asked): Answer => {
    const person = access.bearer(asked)
    if (!person) return { status: 401, json: { error: 'invalid_token' } }
    return {
      json: {
        id: IDS[person],
        email: people.emails[person],
        name: PEOPLE[person].name,
        groups: ['engineering'],
        ...world.userInfo,
      },
    }
  }
  const server = await StandIn.start((asked) => {
    if (asked.path === '/oauth/authorize')
      return redirect(
        people.next ? answerTo(asked, { code: codes.issue(asked, people.next) }) : answerTo(asked, { error: 'access_denied' }),
      )
    if (asked.path === '/oauth/token') return token(asked)
    return asked.path === '/oauth/userinfo' ? userInfo(asked) : NOT_FOUND
  })

  const issuer = `${server.origin}/oauth`
  const identityOf = (person: PersonKey): ProviderWorld['alice'] => ({
    issuer,
    subject: String(IDS[person]),
    email: undefined,
    name: PEOPLE[person].name,
    groups: ['engineering'],
  })
  const settings = settingsFor(issuer, { scopes: ['profile'], ...change })
  const world: PlainWorld = {
    server,
    userInfo: {},
    tokens: {},
    alice: identityOf('alice'),
    bob: identityOf('bob'),
    newProvider: () => identityProviderFor(settings),
    ...people.handled(server, [access]),
  }
  return world
}
