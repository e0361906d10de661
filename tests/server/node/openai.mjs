// A session of the `openai` package from npm. Prints one JSON line.
// Arguments: base URL of the server (http://…/v1), path of a file with 24 kHz s16le speech.
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { EventLog } from './event_log.mjs';

const [baseURL, speech] = process.argv.slice(2);
const client = new OpenAI({ apiKey: 'none', baseURL });
// The package always uses TLS, which our server does not have: it gets a plain socket instead.
const options = { createConnection: (where) => connect(where) };
const rt = new OpenAIRealtimeWS({ model: 'gpt-realtime-2.1', options }, client);
const errors = [];
const log = new EventLog();
rt.on('event', (event) => log.add(event));
rt.on('error', (error) => errors.push(error.error?.code ?? String(error)));

await log.until('session.created');
rt.send({
  type: 'session.update',
  session: {
    type: 'realtime',
    output_modalities: ['audio'],
    audio: { input: { turn_detection: null, transcription: { model: 'whisper-1' } } },
  },
});
await log.until('session.updated');
const sound = readFileSync(speech);
for (let at = 0; at < sound.length; at += 4800) {
  const audio = sound.subarray(at, at + 4800).toString('base64');
  rt.send({ type: 'input_audio_buffer.append', audio });
}
rt.send({ type: 'input_audio_buffer.commit' });
const transcription = await log.until('conversation.item.input_audio_transcription.completed');
rt.send({ type: 'response.create' });
const spoken = await log.until('response.done');
rt.send({
  type: 'response.create',
  response: {
    conversation: 'none',
    metadata: { purpose: 'summary' },
    output_modalities: ['text'],
  },
});
const summary = await log.until('response.done');
rt.send({ type: 'response.cancel' });
await log.until('error');
console.log(
  JSON.stringify({
    transcript: transcription.transcript,
    spoken: spoken.response.output[0].content[0].transcript,
    summary: summary.response.output[0].content[0].text,
    errors,
  }),
);
rt.close();
process.exit(0);
