"""Who may do what with acts, sessions, scales, money and statements, and what is refused."""

from wasl.contracts.rules import acts, doubts, paying, scales, sessions, statements

CAN = acts.CAN | sessions.CAN | scales.CAN | paying.CAN | statements.CAN | doubts.CAN
