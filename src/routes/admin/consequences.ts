// What an action would do at this moment, in sentences with counts: read before anybody presses the button.
import type { Intent } from '../../pages/confirm-path.ts'
import type { ConfirmView } from '../../pages/portal/confirm.tsx'
import { clientNameOf, counted, nameOf, personPath, serverOf } from '../../pages/names.tsx'
import { durationOf } from '../../pages/when.tsx'
import { shownText } from '../../pages/shown.ts'
import type { Services } from '../../services.ts'
import type { PersonDetail } from '../../session/admin/administration.ts'
import type { Revocable } from './actions.ts'
import { describedPerson } from './reading.ts'

export type Consequences = Pick<ConfirmView, 'question' | 'effects' | 'button' | 'isHarmless' | 'back' | 'typed'>

export type MeantAction =
  | { readonly action: 'revoke'; readonly target: Revocable }
  | {
      readonly action: 'block' | 'unblock'
      readonly target: { readonly what: 'person'; readonly sub: string } | { readonly what: 'client'; readonly id: string }
    }

type What = Intent['what']

/** Undefined when there is nothing, or nobody, to do it to. */
export async function consequencesOf(services: Services, { action, target }: MeantAction): Promise<Consequences | undefined> {
  if (target.what === 'everyone') return await ofEveryone(services)
  if ('sub' in target && target.sub !== undefined) return await ofPerson(services, action, { ...target, sub: target.sub })
  if (target.what === 'client') return await ofClient(services, action, target.id)
  if (target.what === 'resource') return ofServer(services, target.id)
  return undefined
}

/** Typed by whoever really means everybody. */
export const TYPED_FOR_EVERYONE = 'everybody'

const LINKS =
  'What the broker holds of people at servers with a sign-in of their own is given back, also of those with no client connected.'
const REFUSED = 'Their next request is refused with 401, whatever token it carries.'

/** Said where there are such servers. */
function linksAt({ settings }: Services, resource?: string): readonly string[] {
  const isMeant = settings.downstreams.some((known) => known.auth === 'oauth' && (resource ?? known.resource) === known.resource)
  return isMeant ? [LINKS] : []
}

async function ofEveryone(services: Services): Promise<Consequences> {
  const { connected } = await services.directory().counts()
  return {
    question: 'Disconnect everybody?',
    effects: [
      `${counted(connected, 'person is', 'people are')} disconnected from every server, machine credentials and yourself included.`,
      'Every open stream is closed, person by person; the receipt shows how far it has come.',
      ...linksAt(services),
      REFUSED,
      'People can sign in again at once. Machine credentials have to be made anew.',
      'Who looks at these pages is signed out of them, except you.',
    ],
    button: 'Disconnect everybody',
    isHarmless: false,
    back: '/admin',
    typed: TYPED_FOR_EVERYONE,
  }
}

async function ofClient(services: Services, action: MeantAction['action'], id: string): Promise<Consequences | undefined> {
  // By its id: a search finds those that are called so as well, and fifty of them would hide it.
  const client = await services.directory().listedClient(id)
  const people = client?.people ?? 0
  const name = clientNameOf({ clientId: id, clientName: client?.name })
  const back = '/admin/clients'
  if (action === 'unblock') {
    if (!client?.blocked) return undefined
    const effects = [`People can connect ${name} again.`, 'Nobody is connected by this: who was disconnected signs in anew.']
    return { question: `Unblock ${name}?`, effects, button: 'Unblock', isHarmless: true, back }
  }
  if (!client && action === 'block') return undefined
  const ending = `${counted(people, 'person is', 'people are')} disconnected from ${name}, and their open streams are closed.`
  const later =
    action === 'block'
      ? `Nobody can connect ${name} again until it is unblocked.`
      : 'They can connect it again; blocking it prevents that.'
  const verb = action === 'block' ? 'Block' : 'Disconnect'
  const question = action === 'block' ? `Block ${name}?` : `Disconnect everybody from ${name}?`
  return { question, effects: [ending, REFUSED, later], button: verb, isHarmless: false, back }
}

async function ofServer(services: Services, resource: string): Promise<Consequences> {
  const users = await services.directory().usersOf(resource)
  const effects = [
    `${counted(users, 'person is', 'people are')} disconnected from ${serverOf(resource)}, and their open streams are closed.`,
    ...linksAt(services, resource),
    REFUSED,
    'They can sign in again.',
  ]
  return {
    question: `Disconnect everybody from ${serverOf(resource)}?`,
    effects,
    button: 'Disconnect',
    isHarmless: false,
    back: '/admin',
  }
}

interface OfOne {
  readonly what: What
  readonly id?: string | undefined
  readonly sub: string
}

async function ofPerson(
  services: Services,
  action: MeantAction['action'],
  { what, id, sub }: OfOne,
): Promise<Consequences | undefined> {
  const shown = await describedPerson(services, sub)
  if (!shown) return undefined
  const name = nameOf({ sub, ...(shown.live?.identity ?? shown.listed) })
  const back = personPath(sub)
  if (action === 'unblock') {
    const effects = [`${name} can sign in again.`, 'Nothing that was ended comes back by this.']
    return { question: `Unblock ${name}?`, effects, button: 'Unblock', isHarmless: true, back }
  }
  const { grants, streams } = partOf(shown.live, what, id)
  if (what === 'stream' || what === 'mcp_session') {
    const effects = [...streamsOf(services, streams), 'The client keeps its access and may open it again.']
    return { question: `Close one stream of ${name}?`, effects, button: 'Close', isHarmless: false, back }
  }
  const clients = grants.map((grant) => clientNameOf(grant)).join(', ')
  const ending = [
    grants.length === 0
      ? `${name} has no client connected at this moment.`
      : `${counted(grants.length, 'client')} of ${name} ${grants.length === 1 ? 'is' : 'are'} disconnected: ${clients}.`,
    ...streamsOf(services, streams),
    'When the next page appears this has happened. The next request is refused with 401.',
  ]
  if (action === 'block') {
    const effects = [...ending, `${name} can not sign in again until somebody unblocks them.`]
    return { question: `Block ${name}?`, effects, button: 'Block', isHarmless: false, back }
  }
  const isMachine = shown.listed?.kind === 'machine'
  const again = isMachine
    ? 'Its token is worth nothing after this; a new one has to be made.'
    : `${name} can sign in again; blocking prevents that.`
  const question = what === 'person' ? `Revoke everything of ${name}?` : `Disconnect ${clients || 'this client'} from ${name}?`
  return { question, effects: [...ending, again], button: what === 'person' ? 'Revoke' : 'Disconnect', isHarmless: false, back }
}

type Part = Pick<PersonDetail, 'grants' | 'streams'>

/** What of a person is meant. */
function partOf(live: PersonDetail | undefined, what: What, id: string | undefined): Part {
  if (!live) return { grants: [], streams: [] }
  if (what === 'stream') return { grants: [], streams: live.streams.filter((stream) => stream.id === id) }
  const isMeant: Partial<Record<What, (grant: PersonDetail['grants'][number]) => boolean>> = {
    grant: (grant) => grant.id === id,
    client: ({ clientId }) => clientId === id,
    resource: ({ resource }) => resource === id,
  }
  const grants = live.grants.filter(isMeant[what] ?? (() => true))
  const ids = new Set(grants.map((grant) => grant.id))
  return { grants, streams: live.streams.filter(({ grantId }) => ids.has(grantId)) }
}

const NAMED_STREAMS = 5

function streamsOf({ now }: Services, streams: Part['streams']): readonly string[] {
  if (streams.length === 0) return ['Nothing is open at this moment.']
  const named = streams
    .slice(0, NAMED_STREAMS)
    .map(({ label, openedAt }) => `${shownText(label, 60)}, open for ${durationOf(now() - openedAt)}`)
  const more = streams.length > NAMED_STREAMS ? `; and ${streams.length - NAMED_STREAMS} more` : ''
  return [`${counted(streams.length, 'open stream is', 'open streams are')} closed at once: ${named.join('; ')}${more}.`]
}
