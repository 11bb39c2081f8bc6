package dialect

// usualBytesPerSecond is as little as a second of sound takes in any way of
// compressing speech that is in use: 4 kbit/s.
const usualBytesPerSecond = 500

// Seconds is the most seconds of sound that the request's file can hold. What it says
// of its length cannot be trusted, so its size is taken for sound at the lowest rate
// there is. That goes for a WAVE file, too: decoders look for compressed sound behind
// a header that announces samples (FFmpeg finds MP3, AC-3 and G.729 there).
func (c *Call) Seconds(f Figures) int64 {
	size := int64(c.sound.to - c.sound.from)
	rate := f.AudioBytesPerSecond
	if rate <= 0 {
		rate = usualBytesPerSecond
	}
	return (size + rate - 1) / rate
}
