package simulate

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
)

const (
	ownDimensions = 1536
	maxDimensions = 3072
)

// vector is the one embedding that every input gets, written once in both
// encodings.
type vector struct {
	floats []byte // "0.01,-0.02,…"
	ends   []int  // of each number in floats
	bits   []byte // little-endian float32
}

func newVector() *vector {
	v := &vector{}
	for i := range maxDimensions {
		f := float32(math.Sin(float64(i+1))) / 32
		if i > 0 {
			v.floats = append(v.floats, ',')
		}
		v.floats = strconv.AppendFloat(v.floats, float64(f), 'g', -1, 32)
		v.ends = append(v.ends, len(v.floats))
		v.bits = binary.LittleEndian.AppendUint32(v.bits, math.Float32bits(f))
	}
	return v
}

// answer writes the body of an embeddings answer. See
// platform.openai.com/docs/api-reference/embeddings.
func (v *vector) answer(dst []byte, a *answer) []byte {
	n := a.ask.dimensions
	if n == 0 {
		n = ownDimensions
	}
	dst = append(dst, `{"object":"list","data":[`...)
	for i := range a.ask.prompts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"object":"embedding","index":`...)
		dst = append(itoa(dst, i), `,"embedding":`...)
		if a.ask.base64 {
			dst = append(dst, '"')
			dst = base64.StdEncoding.AppendEncode(dst, v.bits[:4*n])
			dst = append(dst, `"}`...)
		} else {
			dst = append(dst, '[')
			dst = append(dst, v.floats[:v.ends[n-1]]...)
			dst = append(dst, `]}`...)
		}
	}
	dst = append(append(dst, `],"model":"`...), a.ask.model...)
	dst = append(dst, '"')
	parts := []int64{1}
	switch a.fault {
	case noUsage:
		parts = nil
	case usageTwice:
		parts = []int64{2, 1}
	}
	for _, part := range parts {
		dst = itoa(append(dst, `,"usage":{"prompt_tokens":`...), a.input/part)
		dst = itoa(append(dst, `,"total_tokens":`...), a.input/part)
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// gemini writes the same in Google's format. See ai.google.dev/api/embeddings.
func (v *vector) gemini(dst []byte, a *answer) []byte {
	values := append([]byte(`{"values":[`), v.floats[:v.ends[ownDimensions-1]]...)
	values = append(values, `]}`...)
	if !a.batch {
		dst = append(append(dst, `{"embedding":`...), values...)
	} else {
		dst = append(dst, `{"embeddings":[`...)
		for i := range a.ask.prompts {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, values...)
		}
		dst = append(dst, ']')
	}
	if a.fault != noUsage {
		dst = itoa(append(dst, `,"usageMetadata":{"promptTokenCount":`...), a.input)
		dst = append(itoa(append(dst, `,"totalTokenCount":`...), a.input), '}')
	}
	return append(dst, '}')
}
