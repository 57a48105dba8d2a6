// The frame of every page: head, masthead, one main column, footer. No script of its own.
import type { Child } from 'hono/jsx'
import { MARK_PATH, STYLESHEET_PATH } from './assets.ts'
import { Mark } from './mark.tsx'
import { markupOf } from './markup.ts'

const PRODUCT = 'MCP Session Broker'

export interface PageLink {
  readonly label: string
  readonly href: string
  /** The page with this link is the one it leads to, or lies below it. */
  readonly isCurrent?: boolean
}

interface Frame {
  readonly title: string
  /** narrow: one decision or one message. middle: something to read. wide: tables. */
  readonly width?: 'narrow' | 'middle' | 'wide'
  readonly links?: readonly PageLink[]
  /** `<meta>` of this page alone. */
  readonly head?: Child
  readonly children: Child
}

function Layout({ title, width = 'narrow', links = [], head, children }: Frame) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>{`${title} · ${PRODUCT}`}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="theme-color" content="#f6f8f7" media="(prefers-color-scheme: light)" />
        <meta name="theme-color" content="#0e1412" media="(prefers-color-scheme: dark)" />
        <meta name="robots" content="noindex" />
        {head}
        <link rel="icon" type="image/svg+xml" href={MARK_PATH} />
        <link rel="stylesheet" href={STYLESHEET_PATH} />
      </head>
      <body class={`page page-${width}`}>
        <a class="skip" href="#main">
          Skip to content
        </a>
        <header class="masthead">
          <a class="brand" href="/">
            <Mark />
            <span>{PRODUCT}</span>
          </a>
          {links.length > 0 && (
            <nav class="nav" aria-label="Site">
              {links.map(({ label, href, isCurrent = false }) => (
                <a href={href} {...(isCurrent && { 'aria-current': 'page' as const })}>
                  {label}
                </a>
              ))}
            </nav>
          )}
        </header>
        <main id="main">{children}</main>
        <footer class="colophon">Single sign-on for MCP servers. Access ends the moment it is taken away.</footer>
      </body>
    </html>
  )
}

/** A whole document. */
export function documentOf(frame: Frame): string {
  return `<!doctype html>${markupOf(<Layout {...frame} />)}`
}
