"""HL7 v2 over MLLP: hospitals' systems say who their patients are, in the words of the nineties."""
