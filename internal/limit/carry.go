package limit

// Carry counts what was used elsewhere at the instant at, in every window that at
// is in, as of unix. In the trailing windows what they reach counts as used now:
// too strict for at most an hour, never too lax. Money below nothing is given
// back, in the calendar windows.
func (s *State) Carry(cal *Calendar, unix, at int64, used Amount) {
	s.carry(cal, unix, at, used)
	if used == (Amount{}) || used.Cost < 0 {
		return // what is given back is given back where it is known when it was used
	}
	if age := s.last - at; age <= (trailBuckets+1)*hourBucket {
		s.hour.add(s.last/hourBucket, used)
		if age <= (trailBuckets+1)*minuteBucket {
			s.minute.add(s.last/minuteBucket, used)
		}
	}
}

// Uncarry undoes a Carry of the same instant that was not booked. The trailing
// windows keep it until they have passed.
func (s *State) Uncarry(cal *Calendar, unix, at int64, used Amount) {
	s.carry(cal, unix, at, Amount{Requests: -used.Requests, Tokens: -used.Tokens, Cost: -used.Cost})
}

func (s *State) carry(cal *Calendar, unix, at int64, used Amount) {
	if unix >= s.last {
		s.advance(cal, unix)
	}
	for w := Day; w <= Total; w++ {
		if at < cal.start(w) {
			continue
		}
		sp := &s.spans[w-Day]
		sp.used.Requests += used.Requests
		sp.used.Tokens += used.Tokens
		sp.used.Cost = sp.used.Cost.Add(used.Cost)
	}
}
