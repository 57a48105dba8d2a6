// GitHub as its documentation describes it: errors with status 200, no ID token, an API that wants a user agent and knows nobody's old tokens.
import { identityProviderFor } from '../../../../src/identity/identity-providers.ts'
import type { IdentityProviderSettings } from '../../../../src/settings/providers.ts'
import { PEOPLE } from '../../../world/people.ts'
import type { ProviderWorld } from '../contract.ts'
import { settingsFor } from '../logins.ts'
import { answerTo, Codes, People, NOT_FOUND, redirect, StandIn, Tokens } from './stand-in.ts'
import type { Answer, Asked, PersonKey } from './stand-in.ts'

const IDS: Readonly<Record<PersonKey, number>> = { alice: 583231, bob: 583232 }
const DOCS = 'https://docs.github.com/rest'

export interface GithubWorld extends ProviderWorld {
  readonly server: StandIn
  /** Answers of the API that a test puts in the place of the honest ones, by path. */
  readonly api: Map<string, (asked: Asked) => Answer>
}

/** An OAuth App gives a token that does not expire; a GitHub App one of eight hours, and a refresh token. */
export async function startGithub(
  app: 'OAuth App' | 'GitHub App',
  change: Partial<IdentityProviderSettings> = {},
): Promise<GithubWorld> {
  const [codes, access, refresh, people] = [new Codes(), new Tokens(), new Tokens(), new People()]
  const api: GithubWorld['api'] = new Map()

  const tokens = (person: PersonKey): Answer => ({
    json: {
      access_token: access.issue(person, app === 'OAuth App' ? 'gho_' : 'ghu_'),
      ...(app === 'GitHub App' && {
        expires_in: 28_800,
        refresh_token: refresh.issue(person, 'ghr_'),
        refresh_token_expires_in: 15_897_600,
      }),
      scope: app === 'OAuth App' ? 'read:org,read:user,user:email' : '',
      token_type: 'bearer',
    },
  })

  const token = (asked: Asked): Answer => {
    const { form, headers } = asked
    // Without this the answer is a form.
    if (!headers.accept?.includes('application/json')) return { text: 'access_token=gho_x&token_type=bearer' }
    if (form.get('client_secret') !== 'a secret of the tests')
      return refused('incorrect_client_credentials', 'The client_id and/or client_secret passed are incorrect.')
    if (form.get('grant_type') === 'refresh_token') {
      const given = form.get('refresh_token') ?? ''
      const person = refresh.owner(given)
      refresh.spend(given)
      return person ? tokens(person) : refused('bad_refresh_token', 'The refresh token passed is incorrect or expired.')
    }
    const code = codes.redeem(asked)
    return code ? tokens(code.person) : refused('bad_verification_code', 'The code passed is incorrect or expired.')
  }

  const rest = (path: string, asked: Asked): Answer => {
    if (!asked.headers['user-agent'])
      return {
        status: 403,
        text: 'Request forbidden by administrative rules. Please make sure your request has a User-Agent header',
      }
    const person = access.bearer(asked)
    if (!person) return { status: 401, json: { message: 'Bad credentials', documentation_url: DOCS, status: '401' } }
    const scripted = api.get(path)
    if (scripted) return scripted(asked)
    if (path === '/user')
      return { json: { login: person, id: IDS[person], node_id: 'MDQ6', type: 'User', name: PEOPLE[person].name, email: null } }
    if (path === '/user/emails') return { json: emailsOf(people.emails[person]) }
    if (path === '/user/orgs') return { json: [{ login: 'engineering', id: 1, url: 'https://api.github.com/orgs/engineering' }] }
    return path === '/user/teams' ? { json: [] } : NOT_FOUND
  }

  const server = await StandIn.start((asked) => {
    if (asked.path === '/login/oauth/authorize')
      return redirect(people.next ? answerTo(asked, { code: codes.issue(asked, people.next) }) : answerTo(asked, DECLINED))
    if (asked.path === '/login/oauth/access_token' && asked.method === 'POST') return token(asked)
    return asked.path.startsWith('/api/v3/') ? rest(asked.path.slice('/api/v3'.length), asked) : NOT_FOUND
  })

  const identityOf = (person: PersonKey): ProviderWorld['alice'] => ({
    issuer: `${server.origin}/login/oauth`,
    subject: String(IDS[person]),
    email: PEOPLE[person].email,
    name: PEOPLE[person].name,
    groups: ['engineering'],
  })
  const scopes = ['read:user', 'user:email', 'read:org']
  // With a GitHub Enterprise Server the kind is said, and its API is below its own address.
  const settings = settingsFor(`${server.origin}/login/oauth`, {
    kind: 'github',
    scopes,
    restrictedTo: ['engineering'],
    ...change,
  })
  return {
    server,
    api,
    alice: identityOf('alice'),
    bob: identityOf('bob'),
    newProvider: () => identityProviderFor(settings),
    ...people.handled(server, [access, refresh]),
  }
}

const DECLINED = {
  error: 'access_denied',
  error_description: 'The user has denied your application access.',
  error_uri: 'https://docs.github.com/apps/troubleshooting-authorization-request-errors/#access-denied',
}

function refused(error: string, description: string): Answer {
  return { status: 200, json: { error, error_description: description, error_uri: `${DOCS}/#${error}` } }
}

function emailsOf(primary: string): readonly object[] {
  return [
    { email: 'old@example.com', primary: false, verified: true, visibility: null },
    { email: primary, primary: true, verified: true, visibility: 'private' },
  ]
}
