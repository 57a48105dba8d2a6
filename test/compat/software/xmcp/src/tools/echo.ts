// The tool of the xmcp server.
import { z } from 'zod'

export const schema = { message: z.string() }
export const metadata = { name: 'echo', description: 'Says it again' }

export default function echo({ message }: { message: string }): { content: { type: 'text'; text: string }[] } {
  return { content: [{ type: 'text', text: message }] }
}
