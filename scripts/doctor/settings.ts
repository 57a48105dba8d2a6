// Reads settings as the broker does, and asks everything they name.
import { identityProviderFor } from '../../src/identity/identity-providers.ts'
import { foundation } from '../../src/services.ts'
import { SettingsError } from '../../src/settings/settings.ts'
import { examineDownstream } from './downstream.ts'
import { about, type Finding } from './finding.ts'
import { misspelled, namesKnown } from './misspelled.ts'
import { examineProvider } from './provider.ts'

const found = about('settings')

export async function examineSettings(env: Readonly<Record<string, unknown>>): Promise<readonly Finding[]> {
  const slips = misspelled(Object.keys(env), namesKnown(env)).map(({ name, meant }) =>
    found('note', `${name} is no setting and not used`, `name it ${meant}, if that is meant`),
  )
  return [...slips, ...(await examined(env))]
}

async function examined(env: object): Promise<readonly Finding[]> {
  try {
    const { settings, keys } = await foundation(env)
    const signing = keys.identity.published.map(({ alg }) => alg).join(', ')
    const own: Finding[] = [found('ok', `every setting is well-formed; identity JWTs are signed with ${signing}`)]
    if (settings.previousSecret !== undefined || settings.previousIdentityPem !== undefined) {
      const cure = 'drop the previous key when the longest session since the change is over'
      own.push(found('note', 'a key rotation is going on: what the previous key signed is still accepted', cure))
    }
    if (new URL(settings.baseUrl).protocol === 'http:')
      own.push(found('note', `BASE_URL is ${settings.baseUrl}: for this computer alone`))
    const named = await Promise.all([
      ...settings.identityProviders.map((told) => examineProvider(identityProviderFor(told), told, settings.baseUrl)),
      ...settings.downstreams.map((downstream) => examineDownstream(downstream)),
    ])
    return [...own, ...named.flat()]
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    return error.problems.map(({ variable, problem, cure }) => found('fault', `${variable} ${problem}`, cure))
  }
}
