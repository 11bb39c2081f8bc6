package dialect

import "encoding/binary"

// usualBytesPerSecond is as little as a second of sound takes in any way of
// compressing speech that is in use: 4 kbit/s.
const usualBytesPerSecond = 500

// Seconds is the most seconds of sound that the request's file can hold. What is
// compressed says nothing of its length that could be trusted, so its size is taken
// for sound at the lowest rate there is; what is not has its rate in its header.
func (c *Call) Seconds(f Figures) int64 {
	size := int64(c.sound.to - c.sound.from)
	rate := f.AudioBytesPerSecond
	if rate <= 0 {
		rate = usualBytesPerSecond
	}
	if own := waveRate(c.sound.of(c.body)); own > 0 {
		rate = own
	}
	return (size + rate - 1) / rate
}

// waveRate is how many bytes a second of a WAVE file is, of samples that are not
// compressed; 0 where it is none. Only the plain layout counts, in which the samples
// follow what is said of them: RIFF, fmt, data.
func waveRate(b []byte) int64 {
	const format, extra, data = 12, 20, 36
	if len(b) < data+8 || string(b[:4]) != "RIFF" || string(b[8:16]) != "WAVEfmt " || string(b[data:data+4]) != "data" {
		return 0
	}
	size, kind := binary.LittleEndian.Uint32(b[format+4:]), binary.LittleEndian.Uint16(b[extra:])
	if size != 16 || kind != 1 { // PCM
		return 0
	}
	channels, samples := int64(binary.LittleEndian.Uint16(b[extra+2:])), int64(binary.LittleEndian.Uint32(b[extra+4:]))
	block, bits := int64(binary.LittleEndian.Uint16(b[extra+12:])), int64(binary.LittleEndian.Uint16(b[extra+14:]))
	if bits < 8 || block != channels*((bits+7)/8) {
		return 0
	}
	return samples * block
}
