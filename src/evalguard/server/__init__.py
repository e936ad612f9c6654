"""What an editor has open → what it shows: the language server, ``evalguard server``.

``bench`` checks and mends open texts, ``measure`` tells places as the protocol does, ``telling``
and ``acting`` turn findings into diagnostics and code actions, ``serving`` talks to the editor.
"""
