"""The ground floor: windows, amounts, quantities, figures, frames, evidence references, errors."""
