"""Who is the same person? Suggestions, and a choice by photographs; nothing of it is stored."""
