// Levels of log messages (RFC 5424 section 6.2.1, as MCP spells them), from the most verbose to the gravest.
import * as z from 'zod'

const LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const

export type LogLevel = (typeof LEVELS)[number]

export const logLevelSchema = z.enum(LEVELS)

/** Whether somebody who wants `least` gets a message of this level. */
export function isAtLeast(level: LogLevel, least: LogLevel): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(least)
}

/** The one by which each of them is served; undefined where nobody wants anything. */
export function mostVerbose(levels: readonly (LogLevel | undefined)[]): LogLevel | undefined {
  return LEVELS.find((level) => levels.includes(level))
}
