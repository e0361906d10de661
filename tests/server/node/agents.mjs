// A session of OpenAI's agents SDK: a typed turn, a tool, a spoken turn, an interruption.
// Prints one JSON line.
// Arguments: URL of the server, path of a file with 24 kHz s16le speech.
import { readFileSync } from 'node:fs';
import { RealtimeAgent, RealtimeSession, tool } from '@openai/agents-realtime';
import { z } from 'zod';
import { EventLog } from './event_log.mjs';

const [url, speech] = process.argv.slice(2);
const errors = [];
const calls = [];
const log = new EventLog();

const weather = tool({
  name: 'weather',
  description: 'The weather in a city.',
  parameters: z.object({}),
  execute: async () => {
    calls.push('weather');
    return 'rain';
  },
});
const agent = new RealtimeAgent({ name: 'Guide', instructions: 'Be brief.', tools: [weather] });
const session = new RealtimeSession(agent, {
  transport: 'websocket',
  model: 'gpt-realtime-2.1',
  config: {
    audio: {
      input: {
        transcription: { model: 'gpt-4o-mini-transcribe' },
        turnDetection: { type: 'server_vad', interruptResponse: true, createResponse: true },
      },
    },
  },
});
let audioBytes = 0;
session.on('audio', (event) => (audioBytes += event.data.byteLength));
session.on('error', (error) => errors.push(error));
session.on('transport_event', (event) => log.add(event));

await session.connect({ apiKey: 'none', url: `${url}?model=gpt-realtime-2.1` });
await log.until('session.updated');

session.sendMessage('hello what is');
const typed = await log.until('response.done');

session.sendMessage('call weather'); // the SDK runs the tool and asks for another response
const reply = await log.until(
  'response.output_audio_transcript.done',
  (event) => event.transcript === 'rain',
);
await log.until('response.done');

const sound = readFileSync(speech);
for (let at = 0; at < sound.length; at += 4800) {
  const piece = sound.subarray(at, at + 4800);
  session.sendAudio(piece.buffer.slice(piece.byteOffset, piece.byteOffset + piece.byteLength));
}
const transcription = await log.until('conversation.item.input_audio_transcription.completed');
const spoken = await log.until('response.done');
session.interrupt();
const truncated = await log.until('conversation.item.truncated');

console.log(
  JSON.stringify({
    typed: typed.response.status,
    spoken: spoken.response.status,
    reply: reply.transcript,
    transcript: transcription.transcript,
    truncated: truncated.audio_end_ms,
    calls,
    audioBytes,
    errors,
    seen: log.types,
    history: session.history.map((item) => item.type),
  }),
);
session.close();
process.exit(0);
