import { m } from '$paraglide/messages';
import type { VoiceNote } from '$lib/bridge';
import { Keeping } from './keeping';
import { waveformOf } from './waveform';

/** Longest voice note, in seconds. */
export const longest = 15 * 60;
/** Between two looks at how loud it is, in milliseconds. */
const every = 100;
/** How often what was said is taken out of the recorder, in milliseconds. */
const slice = 1000;
/** Enough for speech. */
const bitsPerSecond = 32_000;

/** What windows record that a voice note can be made of, best first. */
const types = ['audio/ogg;codecs=opus', 'audio/webm;codecs=opus', 'audio/mp4'];

/** What was recorded. */
export interface Take {
  file: File;
  voice: VoiceNote;
  /** It went into the copy while it was spoken. */
  keeping: Keeping;
}

/** Why there is no recording, by what the browser calls it. */
const problems: Record<string, () => string> = {
  NotAllowedError: m.voice_refused,
  SecurityError: m.voice_refused,
  NotFoundError: m.voice_no_microphone,
  OverconstrainedError: m.voice_no_microphone,
  NotReadableError: m.voice_microphone_busy,
  AbortError: m.voice_microphone_busy,
  NotSupportedError: m.voice_unsupported,
};

const recordable = (): string | undefined =>
  'MediaRecorder' in window ? types.find((type) => MediaRecorder.isTypeSupported(type)) : undefined;

const typeOf = ({ mimeType }: MediaRecorder): string => mimeType.split(';')[0] ?? '';

/** A voice note while it is spoken. */
export class Recording {
  state = $state<'idle' | 'asking' | 'recording' | 'paused'>('idle');
  /** In words, why there is none. */
  problem = $state('');
  /** Seconds that were recorded. */
  seconds = $state(0);
  /** How loud it was, 0 to 100, ten values a second. */
  levels = $state.raw<number[]>([]);

  #stream: MediaStream | undefined;
  #recorder: MediaRecorder | undefined;
  #context: AudioContext | undefined;
  #meter: AnalyserNode | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #pieces: Blob[] = [];
  #keeping: Keeping | undefined;
  /** Milliseconds until the last pause, and since when it goes on. */
  #before = 0;
  #since = 0;
  /** Raised by whatever makes a microphone that is handed over late unwanted. */
  #turn = 0;
  #ending = false;

  readonly #thread: () => string;

  constructor(thread: () => string) {
    this.#thread = thread;
  }

  running = $derived(this.state === 'recording' || this.state === 'paused');
  full = $derived(this.seconds >= longest);

  start = async (): Promise<void> => {
    if (this.state !== 'idle') return;
    const turn = ++this.#turn;
    this.problem = '';
    const type = recordable();
    // Absent where the page may not have a microphone at all.
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    if (!type || !devices) {
      this.problem = m.voice_unsupported();
      return;
    }
    this.state = 'asking';
    try {
      const stream = await devices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
      });
      if (turn !== this.#turn) {
        stream.getTracks().forEach((track) => track.stop());
        return;
      }
      this.#stream = stream;
      this.#begin(stream, type);
    } catch (thrown) {
      if (turn !== this.#turn) return;
      this.#end();
      const name = thrown instanceof DOMException ? thrown.name : '';
      this.problem = (problems[name] ?? m.voice_unsupported)();
    }
  };

  #begin(stream: MediaStream, type: string): void {
    const recorder = new MediaRecorder(stream, { mimeType: type, audioBitsPerSecond: bitsPerSecond });
    this.#recorder = recorder;
    const pieces: Blob[] = [];
    this.#pieces = pieces;
    const keeping = new Keeping(this.#thread(), m.kind_voice(), typeOf(recorder));
    this.#keeping = keeping;
    recorder.ondataavailable = ({ data }) => {
      if (data.size === 0) return;
      pieces.push(data);
      keeping.add(data, { whole: false, voice: this.#voice() });
    };
    // The microphone was unplugged: what was said is kept.
    stream.getAudioTracks().forEach((track) => (track.onended = this.pause));
    const context = new AudioContext();
    this.#context = context;
    this.#meter = context.createAnalyser();
    this.#meter.fftSize = 1024;
    context.createMediaStreamSource(stream).connect(this.#meter);
    recorder.start(slice);
    this.#before = 0;
    this.levels = [];
    this.#run();
    // The window was put aside while the system asked.
    if (document.hidden) this.pause();
  }

  #run(): void {
    this.#since = performance.now();
    this.state = 'recording';
    this.#timer = setInterval(this.#look, every);
  }

  #look = (): void => {
    this.seconds = (this.#before + performance.now() - this.#since) / 1000;
    this.levels = [...this.levels, this.#level()];
    if (this.full) this.pause();
  };

  #level(): number {
    const meter = this.#meter;
    if (!meter) return 0;
    const samples = new Float32Array(meter.fftSize);
    meter.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    // From a quiet room to a voice close by.
    const decibels = 10 * Math.log10(Math.max(power, 1e-9));
    return Math.round(Math.min(100, Math.max(0, ((decibels + 55) / 45) * 100)));
  }

  /** What is known of it until here. */
  #voice(): VoiceNote {
    return { seconds: Math.max(1, Math.round(this.seconds)), waveform: waveformOf(this.levels) };
  }

  pause = (): void => {
    if (this.state !== 'recording') return;
    clearInterval(this.#timer);
    this.#before += performance.now() - this.#since;
    this.seconds = this.#before / 1000;
    if (this.#recorder?.state === 'recording') {
      // Nobody knows for how long it waits: what was said is kept now.
      this.#recorder.requestData();
      this.#recorder.pause();
    }
    this.state = 'paused';
  };

  resume = (): void => {
    if (this.state !== 'paused' || this.full || this.#recorder?.state !== 'paused') return;
    this.#recorder.resume();
    this.#run();
  };

  /** What was said until here, to be listened to. */
  heard = async (): Promise<Blob | undefined> => {
    const recorder = this.#recorder;
    if (!recorder) return undefined;
    if (recorder.state !== 'inactive')
      await new Promise((done) => {
        recorder.addEventListener('dataavailable', done, { once: true });
        recorder.requestData();
      });
    return new Blob(this.#pieces, { type: recorder.mimeType });
  };

  /** Ends it; nothing where nothing was said, or it is being ended already. */
  finish = async (): Promise<Take | undefined> => {
    if (this.#ending) return undefined;
    this.#ending = true;
    this.pause();
    this.#turn++;
    const recorder = this.#recorder;
    const keeping = this.#keeping;
    const voice = this.#voice();
    const pieces = this.#pieces;
    if (recorder && recorder.state !== 'inactive')
      await new Promise((done) => {
        recorder.addEventListener('stop', done, { once: true });
        recorder.stop();
      });
    this.#end();
    if (!recorder || !keeping || pieces.length === 0) return undefined;
    keeping.add(new Blob(), { whole: true, voice });
    return { file: new File(pieces, m.kind_voice(), { type: typeOf(recorder) }), voice, keeping };
  };

  #end(): void {
    clearInterval(this.#timer);
    this.#stream?.getTracks().forEach((track) => {
      track.onended = null;
      track.stop();
    });
    void this.#context?.close();
    this.#stream = undefined;
    this.#recorder = undefined;
    this.#context = undefined;
    this.#meter = undefined;
    this.#pieces = [];
    this.#keeping = undefined;
    this.#ending = false;
    this.state = 'idle';
    this.seconds = 0;
    this.levels = [];
  }
}
