"""Reception: issuing tokens, handing out tablets, calling the next. Worked out from the rooms below. Front door."""

from intake.desk.cards import Board, Card, board

__all__ = ["Board", "Card", "board"]
