// What all pages of the portal have in common: the ways from one to another, and the script that keeps them live.
import type { Child } from 'hono/jsx'
import { LIVE_SCRIPT_PATH } from '../assets.ts'
import { documentOf, type PageLink } from '../layout.tsx'
import { markupOf } from '../markup.ts'

const PLACES = [
  { label: 'Overview', href: '/admin' },
  { label: 'People', href: '/admin/people' },
  { label: 'Clients', href: '/admin/clients' },
  { label: 'Machines', href: '/admin/machines' },
  { label: 'Events', href: '/admin/events' },
  { label: 'Receipts', href: '/admin/receipts' },
  { label: 'Signals', href: '/admin/signals' },
  { label: 'Exports', href: '/admin/exports' },
  { label: 'Sealing key', href: '/admin/sealing-key' },
  { label: 'Connect', href: '/admin/connect' },
] as const

type Place = (typeof PLACES)[number]['href']

interface PortalPage {
  readonly title: string
  /** Undefined on a page that belongs to several. */
  readonly place: Place | undefined
  readonly width?: 'middle' | 'wide'
  readonly head?: Child
  readonly children: Child
}

export function portalPage({ title, place, width = 'wide', head, children }: PortalPage): string {
  const links: readonly PageLink[] = [
    ...PLACES.map((link) => ({ ...link, isCurrent: link.href === place })),
    { label: 'Your account', href: '/account' },
  ]
  return documentOf({
    title,
    width: 'wide',
    links,
    head: (
      <>
        {head}
        <script type="module" src={LIVE_SCRIPT_PATH} />
      </>
    ),
    children: width === 'middle' ? <div class="column">{children}</div> : children,
  })
}

interface Live {
  readonly id: string
  /** Where the markup of this region alone can be had. */
  readonly from: string
  /** Seconds between two looks. */
  readonly every: number
  /** Also whenever the Directory says that something has happened. */
  readonly isFed?: boolean
  readonly children: Child
}

/** A part of a page that the script draws anew; `fragmentOf` is what it is drawn from. */
export function LiveRegion({ id, from, every, isFed = false, children }: Live) {
  return (
    <div id={id} data-live={from} data-live-every={String(every)} {...(isFed && { 'data-live-feed': '' })}>
      {children}
    </div>
  )
}

/** Says whether the page is live; until a script says otherwise, it is as old as it is, and the link makes it new. */
export function LiveStatus({ here }: { readonly here: string }) {
  return (
    <p class="live-status">
      <span class="state" role="status" data-live-status="">
        As of this moment
      </span>
      <a href={here} id="refresh">
        Refresh
      </a>
    </p>
  )
}

export function fragmentOf(children: { toString(): string }): string {
  return markupOf(children)
}
