"""What is in this frame?"""
