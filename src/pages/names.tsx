// How the portal calls people, clients and servers: what strangers wrote is cleaned first, and every name leads to its page.
import { shownName, shownText } from './shown.ts'

export interface Named {
  readonly sub: string
  readonly name?: string | undefined
  readonly email?: string | undefined
}

/** Enough of an id to tell it from others. */
const SHORT_ID = 10

/** In one line: for titles, and for the names of links and buttons. */
export function nameOf({ sub, name, email }: Named): string {
  return shownName(name ?? '', '') || shownName(email ?? '', '') || `person ${sub.slice(0, SHORT_ID)}`
}

export function personPath(sub: string): string {
  return `/admin/people/${encodeURIComponent(sub)}`
}

export function PersonLabel(person: Named) {
  const name = nameOf(person)
  const email = shownName(person.email ?? '', '')
  return (
    <span class="person">
      <a href={personPath(person.sub)}>
        <bdi>{name}</bdi>
      </a>
      {email !== '' && email !== name && (
        <span>
          <bdi>{email}</bdi>
        </span>
      )}
    </span>
  )
}

/** Who did something: an administrator by what they were called then, and by what nobody can choose to be called. */
export interface ShownActor {
  readonly actor: string | undefined
  readonly actorName?: string | undefined
}

export function Actor({ actor, actorName }: ShownActor) {
  if (actor === undefined) return <bdi>The rules</bdi>
  if (actor === 'deployment') return <bdi>A new deployment</bdi>
  if (actor === 'person') return <bdi>The person</bdi>
  const id = <code title={shownText(actor)}>{shownText(actor.replace(/^(?:access|signal):(?:https?:\/\/)?/, ''), SHORT_ID)}</code>
  return (
    <>
      <bdi>{shownName(actorName ?? '', '') || 'Somebody'}</bdi>{' '}
      {/^[\w-]{43}$/.test(actor) ? <a href={personPath(actor)}>{id}</a> : id}
    </>
  )
}

export interface NamedClient {
  readonly clientId: string
  readonly clientName?: string | undefined
}

export function clientNameOf({ clientId, clientName }: NamedClient): string {
  return shownName(clientName ?? '', '') || shownText(clientId, SHORT_ID * 3)
}

export function Client(client: NamedClient) {
  return (
    <strong>
      <bdi>{clientNameOf(client)}</bdi>
    </strong>
  )
}

/** A resource is one of our own URLs: its path is what tells one from another. */
export function serverOf(resource: string): string {
  const url = URL.parse(resource)
  return url ? shownText(`${url.host}${url.pathname}`) : shownText(resource)
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`
}

/** `980 B`, `12 KB`, `3.4 MB`. */
export function sizeOf(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(bytes < 10_000 ? 1 : 0)} KB`
  return `${grouped(Math.floor(bytes / 1_000_000))}.${Math.floor((bytes / 100_000) % 10)} MB`
}

export function grouped(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3}){1,6}$)/g, '\u{202F}')
}

/** `tools/call count` is a method and what it is applied to. */
export function Label({ label }: { readonly label: string }) {
  const [method = '', ...rest] = shownText(label, 120).split(' ')
  return (
    <>
      <code>{method === '' ? 'stream' : method}</code> {rest.length > 0 && <strong>{rest.join(' ')}</strong>}
    </>
  )
}
